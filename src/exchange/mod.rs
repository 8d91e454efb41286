//! A request and its response on a connection: what knows bytes and sockets, and no Python.
//!
//! `http` says what bytes mean; here they are received and sent.

mod date;
mod leftover;
mod memory;
mod reader;

pub use date::date;
pub use leftover::{Leftover, Swept, linger};
pub use memory::Memory;
pub use reader::{BodyFailure, BodyRules, EVICTED, Reader};
