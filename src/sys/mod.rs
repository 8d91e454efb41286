//! The fence around libc: everything that needs `unsafe` to ask the kernel for something.
//!
//! The rest of the program sees newtypes, owned descriptors and `io::Result`. Nothing here knows
//! what a worker, a request or a setting is.
//!
//! The rule a reader would break: the executable defines its own `read`, `write`, `poll`,
//! `waitpid` ... for green threads, and the dynamic linker gives those to us as well. Whatever
//! must reach the kernel itself (signal handlers, log lines, the supervisor's waits) goes through
//! [`raw`], which makes the system call directly.

pub mod activity;
pub mod address;
pub mod bind_error;
pub mod clock;
pub mod credentials;
pub mod daemon;
pub mod environment;
pub mod fd;
pub mod holder;
pub mod host_name;
pub mod inotify;
pub mod listener;
mod owned_path;
pub mod passed_fds;
pub mod pipe;
pub mod process;
pub mod raw;
pub mod remote;
pub mod shared;
pub mod signal;
pub mod signal_pipe;
pub mod stale_socket;
pub mod tcp;
pub mod title;

pub use raw::raw_write;
