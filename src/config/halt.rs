//! Why loading the settings ends the process, and with which exit code.
//!
//! Never exits by itself: on HUP the same `Halt` means "keep the old settings and log why".

use std::error::Error;
use std::fmt;

use super::error::ConfigError;

/// Loading ended without settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Halt {
    /// Help or the settings were asked for: this text belongs on stdout.
    Print(String),
    /// The version was asked for.
    Version,
    /// The command line is not understood: this text belongs on stderr.
    Usage(String),
    /// A value or the config file is wrong: belongs on stderr.
    Error(ConfigError),
}

impl Halt {
    /// gunicorn's exit codes: 0 when text was asked for, 2 for an unknown option, 1 for the rest.
    pub fn exit_code(&self) -> i32 {
        match self {
            Halt::Print(_) | Halt::Version => 0,
            Halt::Usage(_) => 2,
            Halt::Error(_) => 1,
        }
    }
}

impl From<ConfigError> for Halt {
    fn from(error: ConfigError) -> Self {
        Halt::Error(error)
    }
}

impl Error for Halt {}

/// The text to write, without a newline at its end.
impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Halt::Print(text) | Halt::Usage(text) => f.write_str(text.trim_end()),
            Halt::Version => f.write_str(env!("CARGO_PKG_VERSION")),
            Halt::Error(error) => write!(f, "{error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_gunicorns() {
        assert_eq!(Halt::Print(String::new()).exit_code(), 0);
        assert_eq!(Halt::Usage(String::new()).exit_code(), 2);
        assert_eq!(Halt::Error(ConfigError::new("a", "b")).exit_code(), 1);
    }
}
