//! examples/deploy: what can be run here is run.

use std::fs;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use crate::client::{Client, get};
use crate::server::{Engine, Launch, repository};
use crate::wait;

pub fn example(name: &str) -> String {
    fs::read_to_string(repository().join("examples/deploy").join(name)).unwrap()
}

#[test]
fn both_config_files_serve() {
    for name in ["gunicorn.minimal.conf.py", "gunicorn.full.conf.py"] {
        let launch = Launch::new(Engine::Coroutine).env("WEB_CONCURRENCY", "2");
        launch.scratch.write(name, &example(name));
        let server = launch.args(&["-c", name, "-w", "2", "hello:app"]).start();
        assert_eq!(server.get("/").status, 200, "{name}");
        server.stop();
    }
}

/// nginx with the example's file, its paths moved into a directory of its own.
struct Nginx(Child);

impl Nginx {
    fn start(directory: &std::path::Path, port: u16, socket: &str) -> Nginx {
        let directory_name = directory.display().to_string();
        let config = example("nginx.conf")
            .replace("/run/unicoro/app.sock", socket)
            .replace("/var/log/nginx", &directory_name)
            .replace("/run/nginx.pid", &format!("{directory_name}/nginx.pid"))
            .replace("/srv/app/static/", &format!("{directory_name}/static/"))
            .replace("listen 80;", &format!("listen 127.0.0.1:{port};"));
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
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
        wait::until_true("nginx to listen", || std::net::TcpStream::connect(address).is_ok());
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
    wait::until_true("unicoro to listen", || UnixStream::connect(&socket).is_ok());
    let port = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port()
    };
    let nginx = Nginx::start(&directory, port, &socket);
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let mut client = Client::connect(address);
    client.send("GET / HTTP/1.1\r\nHost: site.example:81\r\nConnection: close\r\n\r\n");
    assert_eq!(client.response().text(), "http site.example:81 127.0.0.1");
    assert_eq!(get(address, "/static/a.txt").text(), "static file");
    drop(nginx);
    server.stop();
}
