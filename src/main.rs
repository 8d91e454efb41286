//! The executable that cargo builds: a door to the library, with a libpython linked to it.

use std::process::ExitCode;

use unicoro::command::{self, Start};

fn main() -> ExitCode {
    command::begin();
    ExitCode::from(command::run(&Start::executable()))
}
