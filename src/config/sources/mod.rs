//! What each source says: environment, config file, `GUNICORN_CMD_ARGS`, command line.
//!
//! The rule: every value is converted to its setting's kind when it enters its layer, never later.

pub mod cli;
pub mod convert;
pub mod file;
pub mod layers;
mod nearest;
mod words;
