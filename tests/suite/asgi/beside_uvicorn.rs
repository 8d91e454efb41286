//! Frameworks answer the same under unicoro as under uvicorn, and as their own test clients say: 150 to 180 requests
//! and talks each, in tests/beside_uvicorn. What differs on purpose is in its `differences.py` and
//! `client_differences.py`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Engine, Launch, Scratch, Server, repository, virtual_environment, wait};

/// Seconds that a connection is kept, which no test is to see the end of.
const LASTING: &str = "60";

/// A file whose time of change is always the same: it is in answers about the file.
fn file(scratch: &Scratch) -> PathBuf {
    let path = scratch.file("same");
    scratch.fill("same", 100_000);
    let mut touch = Command::new("touch");
    assert!(touch.args(["-d", "2020-02-02T02:02:02Z"]).arg(&path).status().unwrap().success());
    path
}

fn uvicorn(app: &str, file: &Path) -> Server {
    let line = format!(
        "\"$VIRTUAL_ENV/bin/uvicorn\" --port 0 --timeout-keep-alive {LASTING} --http httptools --loop uvloop {app}"
    );
    let launch = Launch::shell(&line, repository());
    let launch = launch.env("SAME_FILE", file).env("PYTHONHASHSEED", "0");
    // It imports as much as ours, which nobody waits for.
    launch.start_where_it_says_within(3 * wait::PATIENCE)
}

fn answers_the_same(framework: &str) {
    let scratch = Scratch::new();
    let file = file(&scratch);
    let app = format!("beside.with_{framework}:app");
    let theirs = uvicorn(&app, &file);
    let launch = Launch::new(Engine::Coroutine).args(&["--keep-alive", LASTING, &app]);
    let mut ours = launch.env("SAME_FILE", &file).env("PYTHONHASHSEED", "0").start();
    ours.expect_errors();
    let output = Command::new(virtual_environment().join("bin/python3"))
        .arg(repository().join("tests/beside_uvicorn/compare.py"))
        .args([framework, &ours.address.to_string(), &theirs.address.to_string()])
        .env("PYTHONPATH", repository().join("tests/apps"))
        .env("SAME_FILE", &file)
        .env("PYTHONHASHSEED", "0")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{failed}");
    println!("{said}");
    ours.stop();
}

macro_rules! frameworks {
    ($($name:ident)+) => {$(
        #[test]
        fn $name() {
            answers_the_same(stringify!($name));
        }
    )+};
}

frameworks! { fastapi starlette litestar quart django blacksheep }
