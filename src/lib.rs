//! unicoro: a gunicorn-compatible server for Python web applications.
//!
//! The modules stand in layer order; each imports only from those above it.

pub mod config;
pub mod http;
pub mod logging;
pub mod python;
pub mod supervisor;
pub mod sys;
pub mod worker;
