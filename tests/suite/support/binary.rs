//! The binary under test: the one that cargo built with this suite, or the one that `SUITE_BINARY`
//! names.
//!
//! What ships is what is tested: CI drives the release build (tests/run), and the debug build is a
//! developer's quick loop. The suite says once which of them it drives, and measures no other than
//! the release build.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use crate::support::repository;

/// With one of these a test's figures are what it is for.
const MEASURES: [&str; 3] = ["SUITE_LONG", "SUITE_STRICT", "SUITE_LARGE"];

/// Where it is.
pub fn path() -> PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let built = env!("CARGO_BIN_EXE_unicoro").into();
        let path = std::env::var_os("SUITE_BINARY").map_or(built, |path| repository().join(path));
        judge(&path);
        path
    })
    .clone()
}

/// Whether it is the wheel's command, which serves in the environment that it is installed in.
pub fn is_wheel() -> bool {
    version().contains("(wheel,")
}

fn version() -> String {
    let path = path();
    let output = Command::new(&path).arg("--version").output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Says which build it is, on the terminal even where the test's own output is kept back.
fn judge(path: &std::path::Path) {
    let output = Command::new(path).arg("--version").output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let version = String::from_utf8_lossy(&output.stdout);
    let _ = writeln!(std::io::stderr(), "the suite drives {}: {}", path.display(), version.trim());
    let measure = MEASURES.iter().find(|name| std::env::var_os(name).is_some());
    if let Some(name) = measure {
        assert!(!version.contains("debug build"), "{name} measures: use cargo test --release");
    }
}
