//! Calls that can only block: an OS thread makes them in the green thread's place (see
//! [`crate::errands`]).

pub mod durable;
pub mod file_lock;
pub mod ipc;
pub mod lookup;
pub mod meeting;
pub mod open;
