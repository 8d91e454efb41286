//! Behind a real nginx with the example's configuration, over a unix socket.

use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::deploy::config_files::example;
use crate::support::client::{free_addresses, get, wait_for_listener};
use crate::support::{Client, Engine, Launch, Load, Scratch, Server, wait};

/// nginx with the example's file, its paths moved into a directory of its own.
pub struct Nginx(Child);

impl Nginx {
    pub fn start(directory: &Path) -> (Nginx, SocketAddr) {
        let [address] = free_addresses();
        (Nginx::start_on(address, directory), address)
    }

    pub fn start_on(address: SocketAddr, directory: &Path) -> Nginx {
        let directory_name = directory.display().to_string();
        let config = example("nginx.conf")
            .replace("/run/unicoro/app.sock", &format!("{directory_name}/app.sock"))
            .replace("/var/log/nginx", &directory_name)
            .replace("/run/nginx.pid", &format!("{directory_name}/nginx.pid"))
            .replace("/srv/app/static/", &format!("{directory_name}/static/"))
            .replace("listen 80;", &format!("listen {address};"));
        fs::create_dir_all(directory.join("static")).unwrap();
        fs::write(directory.join("static/a.txt"), "static file").unwrap();
        fs::write(directory.join("nginx.conf"), config).unwrap();
        // As root its workers would be another user's, who may not look into the directory.
        let globals = "daemon off; master_process off;";
        let nginx = Command::new("nginx")
            .args(["-p", &directory_name, "-c", "nginx.conf", "-g", globals])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx is installed by tests/setup");
        let nginx = Nginx(nginx);
        wait_for_listener(address);
        nginx
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn nginx_serves_the_application_over_a_unix_socket() {
    let launch = Launch::new(Engine::Coroutine);
    let directory = launch.scratch.path().to_owned();
    let socket = directory.join("app.sock").display().to_string();
    launch.scratch.write(
        "ends.py",
        "def app(environ, start_response):\n    start_response('200 OK', [])\n    \
         names = ('wsgi.url_scheme', 'HTTP_HOST', 'HTTP_X_FORWARDED_FOR')\n    \
         return [' '.join(environ[name] for name in names).encode()]\n",
    );
    let bind = format!("unix:{socket}");
    let server = launch.args(&["-b", &bind, "ends:app"]).start();
    wait::until_true("the server to listen", || UnixStream::connect(&socket).is_ok());
    let (nginx, address) = Nginx::start(&directory);
    let mut client = Client::connect(address);
    client.send("GET / HTTP/1.1\r\nHost: site.example:81\r\nConnection: close\r\n\r\n");
    assert_eq!(client.response().text(), "http site.example:81 127.0.0.1");
    assert_eq!(get(address, "/static/a.txt").text(), "static file");
    drop(nginx);
    server.stop();
}

/// Notes each POST.
const NOTING: &str = "\
from notes import note, plain


def app(environ, start_response):
    if environ['REQUEST_METHOD'] == 'POST':
        note(environ['wsgi.input'].read().decode())
    return plain(start_response, 'noted')
";

/// Clients that post numbers, each once, and what was answered.
#[derive(Default)]
struct Posts {
    is_over: AtomicBool,
    next: AtomicUsize,
    answered: AtomicUsize,
}

impl Posts {
    /// Posts until it is over: each number with the status of its answer.
    fn post(&self, nginx: SocketAddr) -> Vec<(String, u16)> {
        let mut answers = Vec::new();
        while !self.is_over.load(Ordering::Relaxed) {
            let number = self.next.fetch_add(1, Ordering::Relaxed).to_string();
            let mut client = Client::connect(nginx);
            client.send(format!(
                "POST / HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: {}\r\n\r\n\
                 {number}",
                number.len()
            ));
            let status = client.response().status;
            answers.push((number, status));
            if status == 200 {
                self.answered.fetch_add(1, Ordering::Relaxed);
            }
        }
        answers
    }

    fn wait_for_answers(&self, count: usize) {
        let goal = self.answered.load(Ordering::Relaxed) + count;
        wait::until_true("posts", || self.answered.load(Ordering::Relaxed) >= goal);
    }
}

/// Stops the server and starts another, some times and under load. A post that was answered 200 was
/// noted once, and none twice. What was answered instead of 200.
fn restart(scratch: &Scratch, start: impl Fn() -> Server) -> Vec<String> {
    scratch.write("noting.py", NOTING);
    let first = start();
    let (_nginx, address) = Nginx::start(scratch.path());
    let (posts, gets) = (Posts::default(), Load::start_mixed(address, 8, "/"));
    let (answers, last) = thread::scope(|scope| {
        let mut server = first;
        let clients: Vec<_> = (0..8).map(|_| scope.spawn(|| posts.post(address))).collect();
        let rounds = if std::env::var_os("SUITE_LONG").is_some() { 20 } else { 3 };
        for _ in 0..rounds {
            posts.wait_for_answers(50);
            server.stop();
            server = start();
        }
        posts.wait_for_answers(50);
        posts.is_over.store(true, Ordering::Relaxed);
        let answers = clients.into_iter().flat_map(|client| client.join().unwrap());
        (answers.collect::<Vec<_>>(), server)
    });
    let (gets, tally) = gets.end();
    last.stop();
    let notes = scratch.read("posts");
    let mut noted: HashMap<&str, usize> = HashMap::new();
    notes.lines().for_each(|number| *noted.entry(number).or_default() += 1);
    for (number, status) in &answers {
        let count = noted.get(number.as_str()).copied().unwrap_or_default();
        assert!(count <= 1, "post {number} has come {count} times");
        assert!(*status != 200 || count == 1, "post {number} was answered and not noted");
    }
    println!("{} posts and {gets} gets", answers.len());
    let failed = answers.iter().filter(|(_, status)| *status != 200);
    failed.map(|(_, status)| format!("HTTP/1.1 {status}")).chain(tally.lost).collect()
}

fn launch(engine: Engine, scratch: &Scratch) -> Launch {
    let directory = scratch.path().display().to_string();
    let launch = Launch::new(engine).env("NOTES", scratch.file("posts"));
    launch.args(&["--workers", "2", "--chdir", &directory])
}

each_of! { Sync, Gthread, Coroutine; fn behind_nginx_restarts_on_a_socket_that_stays_fail_no_request(engine) {
    // As systemd does it: it holds the socket, and requests wait there for the next server.
    let scratch = Scratch::new();
    let socket = UnixListener::bind(scratch.file("app.sock")).unwrap();
    let start = || {
        let socket = socket.try_clone().unwrap();
        launch(engine, &scratch).args(&["noting:app"]).start_on(socket.into())
    };
    let failed = restart(&scratch, start);
    assert!(failed.is_empty(), "{failed:?}");
}}

each_of! { Sync, Gthread, Coroutine; fn behind_nginx_restarts_send_nothing_twice(engine) {
    // While nobody has the socket nginx answers 502.
    let scratch = Scratch::new();
    let bind = format!("unix:{}", scratch.file("app.sock").display());
    let start = || launch(engine, &scratch).args(&["-b", &bind, "noting:app"]).start_unbound();
    let failed = restart(&scratch, start);
    println!("{} failed", failed.len());
    assert!(failed.iter().all(|why| why.contains("HTTP/1.1 502")), "{failed:?}");
}}
