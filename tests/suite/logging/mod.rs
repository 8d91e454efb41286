//! The access log, the error log, and Python's logging where it takes them over.

mod access_log;
mod app_logging;
mod changed_loggers;
mod logger_class;
mod python_logging;
mod sinks;
