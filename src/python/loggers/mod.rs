//! The loggers `gunicorn.error` and `gunicorn.access`: applications hand their own records to the
//! handlers that these have under gunicorn, and Python's logging writes the server's logs if the
//! configuration, a hook or the application has changed them.
//!
//! While nobody has, the server writes past them: no Python is in the path of a line.

pub mod access_line;
pub mod access_stream;
pub mod log_config;
pub mod log_thread;
pub mod module;
pub mod records;
pub mod refusal;
pub mod set_up;
