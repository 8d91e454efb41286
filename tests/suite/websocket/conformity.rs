//! Autobahn's cases: the quick ones. `tests/autobahn/run` runs all.

use std::process::Command;

use crate::support::{Engine, Scratch, repository, virtual_environment};

fn quick_cases_pass(engine: &str, interface: &str) {
    let scratch = Scratch::new();
    let run = Command::new(virtual_environment().join("bin/python"))
        .arg(repository().join("tests/autobahn/run"))
        .arg("--binary")
        .arg(Engine::Coroutine.program())
        .args(["--engine", engine, "--interface", interface])
        .arg("--out")
        .arg(scratch.path())
        .args(["2.*", "3.*", "4.*", "5.*", "7.*"])
        .env("VIRTUAL_ENV", virtual_environment())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}{}", String::from_utf8_lossy(&run.stderr));
    assert!(said.contains("; 0 failed"), "{said}");
}

each_of! { Gthread, Coroutine;
fn the_quick_cases_of_autobahn_pass_strictly(engine) {
    quick_cases_pass(if engine == Engine::Gthread { "gthread" } else { "coroutine" }, "wsgi");
}
}

#[test]
fn the_quick_cases_of_autobahn_pass_strictly_by_asgi() {
    quick_cases_pass("coroutine", "asgi");
}
