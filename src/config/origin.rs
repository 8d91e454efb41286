//! Where a value came from, so that a message and `--print-config` can say it.
//!
//! Never decides which value wins: that is the order of the layers. The flag is named by its
//! first long spelling, whatever spelling was typed.

use std::fmt;
use std::path::PathBuf;

/// The source of one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The table's own default.
    Default,
    /// An environment variable that supplies a default.
    Env(&'static str),
    /// The config file, as the user named it, and the line if it is known.
    File {
        /// The path as given, or `python:MODULE`.
        path: PathBuf,
        /// The line of the assignment, from 1.
        line: Option<u32>,
    },
    /// The words in the environment variable `GUNICORN_CMD_ARGS`.
    CmdArgs,
    /// A flag of the command line, or `the command line` for the app's argument.
    CommandLine {
        /// The flag's first long spelling with its dashes.
        flag: String,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::Env(variable) => write!(f, "environment variable {variable}"),
            Origin::File { path, line: Some(line) } => write!(f, "{}:{line}", path.display()),
            Origin::File { path, line: None } => write!(f, "{}", path.display()),
            Origin::CmdArgs => f.write_str("GUNICORN_CMD_ARGS"),
            Origin::CommandLine { flag } => f.write_str(flag),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_names_file_and_line_flag_or_variable() {
        let file = Origin::File { path: "gunicorn.conf.py".into(), line: Some(12) };
        assert_eq!(file.to_string(), "gunicorn.conf.py:12");
        let flag = Origin::CommandLine { flag: "--workers".into() };
        assert_eq!(flag.to_string(), "--workers");
        let variable = Origin::Env("WEB_CONCURRENCY");
        assert_eq!(variable.to_string(), "environment variable WEB_CONCURRENCY");
    }
}
