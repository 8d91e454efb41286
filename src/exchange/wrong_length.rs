//! A body that is not as long as its Content-Length: the application's fault, for the log.

use std::fmt;

/// The application gave another length than its Content-Length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrongLength {
    /// The application gave fewer bytes than it promised.
    Short {
        /// How many bytes are missing.
        missing: u64,
    },
    /// The application gave more bytes than it promised.
    Long,
}

impl fmt::Display for WrongLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short { missing } => write!(
                f,
                "the application gave {missing} bytes less than its Content-Length; the \
                 connection is closed"
            ),
            Self::Long => f.write_str(
                "the application gave more bytes than its Content-Length; the rest was cut off",
            ),
        }
    }
}
