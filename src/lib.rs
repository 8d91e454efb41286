//! unicoro: a gunicorn-compatible server for Python web applications.
//!
//! The modules stand in layer order; each imports only from those above it.

pub mod listening;

pub mod config;

pub mod metrics;

pub mod logging;

pub mod supervisor;

pub mod http;

pub mod websocket;

pub mod exchange;

pub mod python;

pub mod worker;

pub mod engines;

pub mod command;
