//! What an engine and the rest of unicoro know of each other.
//!
//! An engine owns sockets and time: it accepts, waits, and decides who runs. The [`Handler`] owns
//! the protocol: it looks at bytes and serves requests. Neither knows the other's trade, so that
//! a new engine needs no HTTP and a new protocol needs no scheduler.
//!
//! ```text
//!   engine                                   handler
//!   accept ────────────────────────────────► opened
//!   bytes have come ───────────────────────► read ──► Park │ Serve │ Close
//!   a thread or green thread is free ──────► serve ─► Park │ Close │ Detached
//!   the deadline of a Park has passed ─────► expired
//! ```

mod connection;
mod engine;
mod handler;
mod inbox;
mod listener;
pub mod room;
mod stop;
mod stream;
mod sys;

pub use connection::Connection;
pub use engine::{Engine, Pulse, Refusal, Seat};
pub use handler::{AfterRead, AfterServe, GreenState, Handler, serve_caught};
pub use inbox::Inbox;
pub use listener::{Address, EngineListener};
pub use stop::{Stop, StopState};
pub use stream::{Interest, Received, Stream, Waiter, wait_blocking};
pub use sys::{PollSlot, poll_set};
