//! A socket that listens.
//!
//! The supervisor binds it once; workers inherit it through the fork. It is non-blocking and
//! close-on-exec. A unix socket's path is removed when the listener is dropped, but only by the
//! process that bound it, and only while the path is still that very socket.
#![allow(unsafe_code)]

use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixAddress, UnixListener};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use unicoro_sys::credentials::Identity;
use unicoro_sys::fd::{duplicate, lent, set_cloexec, set_nonblocking};
use unicoro_sys::process::set_umask;
use unicoro_sys::socket::{is_listening, is_stream, is_unix, listen};
use unicoro_sys::tcp;

use super::address::Address;
use super::bind_error::BindError;
use super::owned_path::OwnedPath;
use super::stale_socket::clear_path;

/// How to bind.
#[derive(Clone, Copy, Debug)]
pub struct BindOptions {
    /// How many connections the kernel holds until they are accepted.
    pub backlog: u32,
    /// SO_REUSEPORT on TCP sockets: they only hold the address, and every worker listens on a
    /// socket of its own. The kernel would hand connections to one that nobody accepts from.
    pub reuse_port: bool,
    /// The umask while a unix socket's path is made: 0 lets everybody connect.
    pub umask: u32,
    /// Whose a unix socket's path is.
    pub owner: Identity,
}

impl Default for BindOptions {
    fn default() -> BindOptions {
        BindOptions { backlog: 2048, reuse_port: false, umask: 0, owner: Identity::default() }
    }
}

/// A listening socket and where it came from.
#[derive(Debug)]
pub struct Listener {
    fd: OwnedFd,
    asked: Address,
    shown: String,
    path: Option<OwnedPath>,
    keeps_path: AtomicBool,
    /// Of a socket that only holds its address: what the workers' sockets listen with.
    held_backlog: Option<u32>,
}

impl Listener {
    /// Binds and listens.
    ///
    /// # Errors
    /// A sentence that names the address, the reason and what to do.
    pub fn bind(address: &Address, options: BindOptions) -> Result<Listener, BindError> {
        Listener::open(address, options).map_err(|source| BindError::new(address, source))
    }

    fn open(address: &Address, options: BindOptions) -> io::Result<Listener> {
        let (fd, path) = match address {
            Address::Tcp { host, port } => (bind_tcp(host, *port, options.reuse_port)?, None),
            Address::Unix(path) => {
                let fd = bind_unix(path, options.umask)?;
                options.owner.own_path(path)?;
                (fd, Some(OwnedPath::of(path)?))
            }
            Address::Abstract(name) => {
                let address = UnixAddress::from_abstract_name(name)?;
                (UnixListener::bind_addr(&address)?.into(), None)
            }
            Address::Fd(number) => (adopt(*number)?, None),
        };
        set_nonblocking(fd.as_fd(), true)?;
        let is_held = options.reuse_port && matches!(address, Address::Tcp { .. });
        if !is_held && !matches!(address, Address::Fd(_)) {
            listen(fd.as_fd(), options.backlog)?;
        }
        let shown = shown(address, &fd);
        let held_backlog = is_held.then_some(options.backlog);
        let keeps_path = AtomicBool::new(false);
        Ok(Listener { fd, asked: address.clone(), shown, path, keeps_path, held_backlog })
    }

    /// What a worker accepts from: this very socket, or with SO_REUSEPORT one of its own at the
    /// same address.
    ///
    /// # Errors
    /// No descriptor is left, or the address was lost.
    pub fn for_worker(&self) -> io::Result<OwnedFd> {
        let Some(backlog) = self.held_backlog else { return duplicate(self.fd.as_raw_fd()) };
        let address = TcpListener::from(self.fd.try_clone()?).local_addr()?;
        let fd = tcp::bound(address, true)?;
        listen(fd.as_fd(), backlog)?;
        Ok(fd)
    }

    /// What was asked for; a port of 0 is still 0 here.
    #[must_use]
    pub fn asked(&self) -> &Address {
        &self.asked
    }

    /// What logs print: `http://127.0.0.1:8000`, `unix:/run/app.sock`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.shown
    }

    /// True for a unix socket.
    #[must_use]
    pub fn is_unix(&self) -> bool {
        is_unix(self.fd.as_fd())
    }

    /// How many connections wait to be accepted; `None` for a unix socket, which does not tell.
    #[must_use]
    pub fn backlog(&self) -> Option<u64> {
        tcp::queue_length(self.fd.as_fd())
    }

    /// From now on no client is admitted to the queue of a socket that nobody will accept from again
    /// but those who empty it. Not one that was handed to us by its number: whoever made it, such as
    /// systemd, may go on with it.
    pub fn admit_no_more(&self) {
        if self.is_listening() && !matches!(self.asked, Address::Fd(_)) {
            unicoro_contract::admit_no_more(self.fd.as_fd());
        }
    }

    /// From now on the path of a unix socket is left in place: another process goes on with it.
    pub fn keep_path(&self) {
        self.keeps_path.store(true, Ordering::Relaxed);
    }

    /// From now on the path is ours to remove again.
    pub fn reclaim_path(&self) {
        self.keeps_path.store(false, Ordering::Relaxed);
    }

    /// False for a socket that only holds its address.
    #[must_use]
    pub fn is_listening(&self) -> bool {
        self.held_backlog.is_none()
    }

    /// Takes over a socket of a former master's, if it is the one that `address` asks for.
    #[must_use]
    pub fn inherit(address: &Address, number: RawFd) -> Option<Listener> {
        if !is_bound_to(number, address) {
            return None;
        }
        let fd = adopt(number).ok()?;
        set_nonblocking(fd.as_fd(), true).ok()?;
        let path = match address {
            Address::Unix(path) => Some(OwnedPath::of(path).ok()?),
            _ => None,
        };
        let shown = shown(address, &fd);
        let asked = address.clone();
        let keeps_path = AtomicBool::new(false);
        Some(Listener { fd, asked, shown, path, keeps_path, held_backlog: None })
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Listener {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(path) = &self.path
            && !self.keeps_path.load(Ordering::Relaxed)
        {
            path.remove();
        }
    }
}

/// The first of the host's addresses that can be bound; else the first error.
fn bind_tcp(host: &str, port: u16, reuse_port: bool) -> io::Result<OwnedFd> {
    let mut first_error = None;
    for address in tcp::resolve(host, port)? {
        match tcp::bound(address, reuse_port) {
            Ok(socket) => return Ok(socket),
            Err(error) => {
                first_error.get_or_insert(error);
            }
        }
    }
    Err(first_error.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into()))
}

fn bind_unix(path: &Path, umask: u32) -> io::Result<OwnedFd> {
    clear_path(path)?;
    // It is the process's; the supervisor has one thread, so no file of somebody else's is made
    // meanwhile.
    let former = set_umask(umask);
    let bound = UnixListener::bind(path);
    set_umask(former);
    Ok(bound?.into())
}

/// Whether an inherited socket's own address is the one that was asked for. Port 0 is any port.
fn is_bound_to(number: RawFd, address: &Address) -> bool {
    let Ok(copy) = duplicate(number) else { return false };
    match address {
        Address::Tcp { host, port } => {
            let Ok(bound) = TcpListener::from(copy).local_addr() else { return false };
            let wanted = tcp::resolve(host, *port).unwrap_or_default();
            let is_port = *port == 0 || *port == bound.port();
            is_port && wanted.iter().any(|wanted| wanted.ip() == bound.ip())
        }
        Address::Unix(path) => UnixListener::from(copy)
            .local_addr()
            .is_ok_and(|bound| bound.as_pathname() == Some(path.as_path())),
        Address::Abstract(name) => UnixListener::from(copy)
            .local_addr()
            .is_ok_and(|bound| bound.as_abstract_name() == Some(name.as_slice())),
        Address::Fd(wanted) => *wanted == number,
    }
}

/// Takes over an inherited descriptor after a look at what it is.
fn adopt(number: RawFd) -> io::Result<OwnedFd> {
    let refuse = |why| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    if number <= libc::STDERR_FILENO {
        return refuse("0, 1 and 2 are the standard streams");
    }
    let socket = lent(number)?;
    if !is_stream(socket)? {
        return refuse("it is not a stream socket");
    }
    if !is_listening(socket)? {
        return refuse("the socket does not listen; whoever made it has to call listen(2)");
    }
    // SAFETY: it is open (it answered above), and the operator handed it to us by its number, so
    // nothing else in this process owns it.
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    set_cloexec(fd.as_fd(), true)?;
    Ok(fd)
}

/// TCP shows the address the kernel has: it knows the port that 0 became.
fn shown(asked: &Address, fd: &OwnedFd) -> String {
    match (asked, is_unix(fd.as_fd())) {
        (Address::Unix(_) | Address::Abstract(_), _) => asked.to_string(),
        (_, true) => inherited_unix(fd).unwrap_or_else(|| asked.to_string()),
        (_, false) => fd
            .try_clone()
            .and_then(|copy| TcpListener::from(copy).local_addr())
            .map_or_else(|_| asked.to_string(), |address| format!("http://{address}")),
    }
}

fn inherited_unix(fd: &OwnedFd) -> Option<String> {
    let address = UnixListener::from(fd.try_clone().ok()?).local_addr().ok()?;
    if let Some(path) = address.as_pathname() {
        return Some(format!("unix:{}", path.display()));
    }
    Some(format!("unix:@{}", address.as_abstract_name()?.escape_ascii()))
}

#[cfg(test)]
mod tests {
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
    fn with_reuse_port_the_master_holds_the_address_and_each_worker_listens() {
        let tcp = Address::Tcp { host: "127.0.0.1".into(), port: 0 };
        let options = BindOptions { reuse_port: true, ..BindOptions::default() };
        let held = Listener::bind(&tcp, options).unwrap();
        assert!(!held.is_listening());
        let (first, second) = (held.for_worker().unwrap(), held.for_worker().unwrap());
        let address = |fd: OwnedFd| TcpListener::from(fd).local_addr().unwrap();
        assert_eq!(address(first), address(second));
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
}
