use super::*;
use std::fs;
use std::net::TcpStream;
use std::os::fd::IntoRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use unicoro_sys::process::Pid;

fn bind(address: &Address) -> Result<Listener, BindError> {
    Listener::bind(address, BindOptions::default())
}

fn tcp(host: &str) -> Address {
    Address::Tcp { host: host.to_owned(), port: 0 }
}

fn path(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("unicoro-{}-{name}", Pid::me()));
    let _ = fs::remove_file(&path);
    path
}

#[test]
fn a_tcp_listener_shows_the_port_it_got() {
    let listener = bind(&tcp("127.0.0.1")).unwrap();
    let shown = listener.address().strip_prefix("http://").unwrap();
    TcpStream::connect(shown).unwrap();
    assert!(!shown.ends_with(":0"));
    assert!(!listener.is_unix());
}

#[test]
fn ipv6_is_shown_in_brackets() {
    // A machine without IPv6 has nothing to test here.
    if let Ok(listener) = bind(&tcp("::1")) {
        assert!(listener.address().starts_with("http://[::1]:"));
    }
}

#[test]
fn a_taken_port_is_in_use() {
    let first = bind(&tcp("127.0.0.1")).unwrap();
    let port = first.address().rsplit(':').next().unwrap().parse().unwrap();
    let error = bind(&Address::Tcp { host: "127.0.0.1".into(), port }).unwrap_err();
    assert!(error.is_in_use());
    assert!(error.to_string().contains("--bind"), "{error}");
}

#[test]
fn a_stale_unix_path_is_replaced_and_a_live_one_is_not() {
    let path = path("stale");
    drop(UnixListener::bind(&path).unwrap());
    let address = Address::Unix(path.clone());
    let listener = bind(&address).unwrap();
    UnixStream::connect(&path).unwrap();
    assert!(bind(&address).unwrap_err().is_in_use());
    UnixStream::connect(&path).unwrap();
    drop(listener);
    assert!(!path.exists());
}

#[test]
fn a_file_that_is_no_socket_stays() {
    let path = path("file");
    fs::write(&path, "precious").unwrap();
    let error = bind(&Address::Unix(path.clone())).unwrap_err();
    assert!(error.to_string().contains("not a socket"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    fs::remove_file(path).unwrap();
}

#[test]
fn a_path_taken_over_by_another_server_stays() {
    let path = path("taken");
    let listener = bind(&Address::Unix(path.clone())).unwrap();
    fs::rename(&path, path.with_extension("old")).unwrap();
    let other = UnixListener::bind(&path).unwrap();
    drop(listener);
    assert!(path.exists());
    drop(other);
    fs::remove_file(&path).unwrap();
    fs::remove_file(path.with_extension("old")).unwrap();
}

#[test]
fn umask_0_lets_everybody_connect() {
    let path = path("mode");
    let _listener = bind(&Address::Unix(path.clone())).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o777);
}

#[test]
fn an_abstract_name_is_bound() {
    let name = format!("unicoro-test-{}", Pid::me()).into_bytes();
    let listener = bind(&Address::Abstract(name.clone())).unwrap();
    assert!(listener.address().starts_with("unix:@unicoro-test-"));
    UnixStream::connect_addr(&UnixAddress::from_abstract_name(&name).unwrap()).unwrap();
}

#[test]
fn an_inherited_socket_must_listen() {
    let ours = TcpListener::bind("127.0.0.1:0").unwrap();
    let shown = format!("http://{}", ours.local_addr().unwrap());
    let listener = bind(&Address::Fd(ours.into_raw_fd())).unwrap();
    assert_eq!(listener.address(), shown);

    let (one, _other) = UnixStream::pair().unwrap();
    let error = bind(&Address::Fd(one.as_raw_fd())).unwrap_err();
    assert!(error.to_string().contains("does not listen"), "{error}");
    assert!(bind(&Address::Fd(1)).is_err());
    assert!(bind(&Address::Fd(9999)).is_err());
}

#[test]
fn with_reuse_port_several_servers_listen_on_an_address() {
    let options = BindOptions { reuse_port: true, ..BindOptions::default() };
    let tcp = |port| Address::Tcp { host: "127.0.0.1".into(), port };
    let first = Listener::bind(&tcp(0), options).unwrap();
    let port = first.address().rsplit(':').next().unwrap().parse().unwrap();
    assert!(Listener::bind(&tcp(port), options).is_ok());
    assert!(Listener::bind(&tcp(port), BindOptions::default()).is_err());
}

#[test]
fn a_former_masters_socket_is_known_by_its_address() {
    let tcp = |port| Address::Tcp { host: "127.0.0.1".into(), port };
    let old = Listener::bind(&tcp(0), BindOptions::default()).unwrap();
    let port = old.address().rsplit(':').next().unwrap().parse().unwrap();
    let passed = || std::os::fd::IntoRawFd::into_raw_fd(duplicate(old.as_raw_fd()).unwrap());
    assert!(Listener::inherit(&tcp(port), passed()).is_some());
    assert!(Listener::inherit(&tcp(0), passed()).is_some());
    assert!(Listener::inherit(&tcp(port ^ 1), passed()).is_none());
    assert!(Listener::inherit(&Address::Unix("/x".into()), passed()).is_none());
}
