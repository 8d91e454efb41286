//! Libraries in C and C++ that applications under test load, compiled from their sources.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Scratch, repository};

/// Makes a shared library of a source, named from tests/apps; `compiler` is a command with options.
pub fn compile(compiler: &[&str], source: impl AsRef<Path>, library: &Path) {
    let mut command = Command::new(compiler[0]);
    command.args(["-shared", "-fPIC", "-pthread", "-O2"]).args(&compiler[1..]);
    command.arg(repository().join("tests/apps").join(source)).arg("-o").arg(library);
    assert!(command.status().is_ok_and(|status| status.success()), "{command:?}");
}

/// The same, into a server's own directory.
pub fn compile_for(scratch: &Scratch, compiler: &[&str], source: impl AsRef<Path>) -> PathBuf {
    let library = scratch.file("library.so");
    compile(compiler, source, &library);
    library
}
