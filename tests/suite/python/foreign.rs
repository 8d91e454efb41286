//! CPython's own tests of what a thread may rely on hold in requests: the short part of the list
//! that `tests/foreign` runs, several modules at once. CONTRIBUTING.md names the long one.

use std::process::Command;

use crate::support::{binary, repository, virtual_environment};

/// What a plain thread passes and no request fails. The command says which tests those are.
fn judge(arguments: &[&str]) {
    if !has_tests() {
        println!("skipped: this interpreter comes without CPython's `test` package");
        return;
    }
    let command = Command::new(repository().join("tests/foreign"))
        .args(arguments)
        .env("SUITE_BINARY", binary::path())
        .env("SUITE_VENV", virtual_environment())
        .output();
    let output = command.expect("python3 is in PATH");
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complaint}");
    println!("{said}");
}

/// Debian's python3 has no `test`, or only a part of it.
fn has_tests() -> bool {
    let python = virtual_environment().join("bin/python3");
    let imports = "import test.support, test.test_queue";
    let output = Command::new(python).args(["-c", imports]).output();
    output.expect("the virtual environment has an interpreter").status.success()
}

#[test]
fn cpythons_tests_hold_in_requests_at_once() {
    judge(&["--short", "--together"]);
}

each_of! { Sync, Gthread; fn cpythons_tests_of_threads_hold_in_requests(engine) {
    let engine = format!("{engine:?}").to_lowercase();
    judge(&["--engine", &engine, "test_threading", "test_sys_settrace", "test_fork1"]);
}}
