//! The engine's threads, OS threads and green threads, as CPython and the application see them; and
//! what the main thread does for the application meanwhile.

pub mod interrupt;
pub mod pending_calls;
pub mod request_threads;
pub mod shared_signals;
pub mod signal_handlers;
pub mod thread_state;
