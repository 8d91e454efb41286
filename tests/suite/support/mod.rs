//! What the tests stand on: servers, clients, processes, scratch directories, and waiting for a
//! condition. Every other room uses it; it uses none of them.

pub mod backing;
pub mod binary;
pub mod client;
pub mod load;
pub mod processes;
pub mod scratch;
pub mod server;
pub mod wait;
