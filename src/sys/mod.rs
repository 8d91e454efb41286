//! What the server binds and shares: listeners, shared page, pid file, what it was handed.
//!
//! Nothing here knows what a worker, a request or a setting is.

pub mod address;
pub mod bind_error;
pub mod holder;
pub mod inheritance;
pub mod listener;
mod owned_path;
pub mod pidfile;
pub mod remote;
pub mod scoreboard;
mod slot_text;
pub mod stale_socket;

pub use unicoro_sys::{
    activity, bytes, clock, credentials, daemon, fd, host_name, inotify, pipe, poll, process,
    signal, signal_pipe, title,
};
