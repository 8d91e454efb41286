//! What the server binds: listeners and their addresses.
//!
//! Nothing here knows what a worker, a request or a setting is.

pub mod address;
pub mod bind_error;
pub mod foreseen;
pub mod holder;
pub mod listener;
mod owned_path;
pub mod stale_socket;
