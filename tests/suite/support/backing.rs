//! The servers that applications under test ask: private ones, started by the first test that needs
//! them, one of each for the whole run.
//!
//! Each is a script that says its address in one line, serves for as long as its stdin is open, and
//! then takes everything down with it: nothing outlives this process, however it ends.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use crate::support::{Launch, repository, virtual_environment};

/// Its stdin must stay open, so the child is kept; the system closes it when this process ends.
struct Keeper {
    address: String,
    _process: Child,
}

type Kept = OnceLock<Keeper>;

/// PostgreSQL, as a URL.
pub fn database_url() -> &'static str {
    static KEPT: Kept = OnceLock::new();
    kept(&KEPT, Command::new(repository().join("tests/postgres")))
}

/// MariaDB, redis or memcached, as HOST:PORT.
fn service(kept_in: &'static Kept, name: &str) -> &'static str {
    let mut command = Command::new(repository().join("tests/keep"));
    command.arg(name);
    kept(kept_in, command)
}

pub fn mariadb() -> &'static str {
    static KEPT: Kept = OnceLock::new();
    service(&KEPT, "mariadb")
}

pub fn redis() -> &'static str {
    static KEPT: Kept = OnceLock::new();
    service(&KEPT, "redis")
}

/// memcached behind a proxy that holds up each command for half a second.
pub fn slow_memcached() -> &'static str {
    static MEMCACHED: Kept = OnceLock::new();
    static PROXY: Kept = OnceLock::new();
    let mut proxy = script("tests/upstream_proxy.py");
    proxy.arg(service(&MEMCACHED, "memcached"));
    kept(&PROXY, proxy)
}

/// redis behind a proxy through which long answers come slowly.
pub fn slow_redis() -> &'static str {
    static PROXY: Kept = OnceLock::new();
    let mut proxy = script("tests/upstream_proxy.py");
    proxy.args([redis(), "answers"]);
    kept(&PROXY, proxy)
}

pub fn slow_grpc() -> &'static str {
    static KEPT: Kept = OnceLock::new();
    kept(&KEPT, script("tests/upstream_grpc.py"))
}

/// The address of a name server; needs root, for port 53.
pub fn slow_name_server() -> &'static str {
    static KEPT: Kept = OnceLock::new();
    kept(&KEPT, script("tests/upstream_dns.py"))
}

/// Tells the application about the slow web server: `UPSTREAM`, `UPSTREAM_TLS` and `UPSTREAM_CA`.
pub fn with_upstream(launch: Launch) -> Launch {
    static KEPT: Kept = OnceLock::new();
    let line = kept(&KEPT, script("tests/upstream.py"));
    let names = ["UPSTREAM", "UPSTREAM_TLS", "UPSTREAM_CA"];
    names.into_iter().zip(line.split(' ')).fold(launch, |launch, (name, value)| {
        launch.env(name, value) //
    })
}

fn script(path: &str) -> Command {
    let mut command = Command::new(virtual_environment().join("bin/python3"));
    command.arg(repository().join(path));
    command
}

fn kept(keeper: &'static Kept, command: Command) -> &'static str {
    &keeper.get_or_init(|| start(command)).address
}

fn start(mut command: Command) -> Keeper {
    let mut process = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut line = String::new();
    let output = process.stdout.take().expect("stdout is a pipe");
    BufReader::new(output).read_line(&mut line).expect("an address");
    assert!(!line.is_empty(), "{command:?} failed; its reason stands above");
    Keeper { address: line.trim().to_owned(), _process: process }
}
