//! Why loading the settings ends the process, and with which exit code.
//!
//! Never exits by itself: on HUP the same `Stop` means "keep the old settings and log why".

use std::fmt;

use super::error::ConfigError;

/// Loading ended without settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// Help or the settings were asked for: this text belongs on stdout.
    Print(String),
    /// The version was asked for.
    Version,
    /// The command line is not understood: this text belongs on stderr.
    Usage(String),
    /// A value or the config file is wrong: belongs on stderr.
    Error(ConfigError),
}

impl Stop {
    /// gunicorn's exit codes: 0 when text was asked for, 2 for an unknown option, 1 for the rest.
    pub fn exit_code(&self) -> i32 {
        match self {
            Stop::Print(_) | Stop::Version => 0,
            Stop::Usage(_) => 2,
            Stop::Error(_) => 1,
        }
    }
}

impl From<ConfigError> for Stop {
    fn from(error: ConfigError) -> Self {
        Stop::Error(error)
    }
}

/// The text to write, without a newline at its end.
impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Print(text) | Stop::Usage(text) => f.write_str(text.trim_end()),
            Stop::Version => f.write_str(env!("CARGO_PKG_VERSION")),
            Stop::Error(error) => write!(f, "{error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_gunicorns() {
        assert_eq!(Stop::Print(String::new()).exit_code(), 0);
        assert_eq!(Stop::Usage(String::new()).exit_code(), 2);
        assert_eq!(Stop::Error(ConfigError::new("a", "b")).exit_code(), 1);
    }
}
