//! Where the repository is, and the Python that the applications under test run on.

use std::path::{Path, PathBuf};

/// The root of this repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The virtual environment that tests/setup makes, or that of another Python (tests/versions).
pub fn virtual_environment() -> PathBuf {
    let made = std::env::var_os("SUITE_VENV").unwrap_or_else(|| ".venv".into());
    let path = repository().join(made);
    assert!(path.join("made-from").exists(), "run tests/setup first: it makes .venv");
    path
}
