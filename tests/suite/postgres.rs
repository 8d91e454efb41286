//! One private PostgreSQL for the whole run: tests/postgres keeps it for as long as we live.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use crate::server::repository;

/// Its stdin must stay open, so the child is kept; the system closes it when this process ends.
struct Keeper {
    url: String,
    _process: Child,
}

/// The address of the database, started by the first test that asks.
pub fn database_url() -> &'static str {
    static KEEPER: OnceLock<Keeper> = OnceLock::new();
    &KEEPER.get_or_init(start).url
}

fn start() -> Keeper {
    let mut process = Command::new(repository().join("tests/postgres"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("tests/postgres can be run");
    let mut url = String::new();
    let output = process.stdout.take().expect("stdout is a pipe");
    BufReader::new(output).read_line(&mut url).expect("tests/postgres says an address");
    assert!(url.starts_with("postgresql://"), "tests/postgres failed; its reason stands above");
    Keeper { url: url.trim().to_owned(), _process: process }
}
