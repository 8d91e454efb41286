//! The interposed calls, made by green threads of a real engine, each test with at least two of them: one
//! blocks in the call, and another, which would never run if the call blocked the OS thread, ends
//! the wait.
#![allow(
    unsafe_code,
    clippy::undocumented_unsafe_blocks,
    clippy::unwrap_used,
    reason = "every unsafe block here is libc calls on descriptors and buffers of the test's own"
)]

mod bypass;
mod closing;
mod conditions;
mod direct;
mod endings;
mod files;
mod futexes;
mod handlers;
mod identity;
mod ipc;
mod locks;
mod lookups;
mod mutexes;
mod opens;
mod poll;
mod processes;
mod receive;
mod semaphores;
mod send;
mod sleep;
mod sockets;
mod stage;
mod threads;
