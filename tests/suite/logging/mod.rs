//! The access log, the error log, and Python's logging where it takes them over.

mod access_log;
mod app_logging;
mod changed_loggers;
mod handlers;
mod log_config;
mod logger_class;
mod sample;
mod sinks;
