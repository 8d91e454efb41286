//! The loggers `gunicorn.error` and `gunicorn.access`, and who writes the logs when somebody has
//! changed them.

pub mod log_config;
pub mod log_thread;
pub mod module;
