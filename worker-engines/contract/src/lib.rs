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
//!   a thread or green thread is free ──────► serve ─► Park │ Close
//!   the deadline of a Park has passed ─────► expired
//! ```

pub mod buffers;
mod connection;
mod current;
pub mod drain;
mod engine;
mod forks;
mod given_up;
mod handler;
mod held_answer;
mod inbox;
mod intake;
mod interest;
mod interrupt;
mod language;
mod listener;
mod outbox;
mod pace;
mod patience;
mod real;
mod resident;
pub mod room;
pub mod siblings;
mod stop;
mod stream;
mod thread_word;
mod upgraded;

pub use connection::Connection;
pub use current::{CurrentPlace, CurrentRequest, begin_current, end_current};
pub use engine::{Engine, Pulse, Refusal, Seat};
pub use forks::{is_forked_child, watch_forks};
pub use given_up::GivenUp;
pub use handler::{
    AfterRead, AfterServe, Blocked, Deadlock, Grip, Handler, Party, serve_caught, stack_signal,
};
pub use inbox::Inbox;
pub use intake::{last_look, take_in};
pub use interest::Interest;
pub use interrupt::{Interrupt, InterruptWord, interrupt, replace_interrupt};
pub use language::{Attention, Hearing, Language};
pub use listener::{EngineListener, admit_no_more, lacks_descriptors};
pub use outbox::{Outbox, Put};
pub use pace::{Pace, Tempo};
pub use real::Real;
pub use resident::{GreenTask, ResidentsWord, hear_resident_by, tell_engine};
pub use siblings::Siblings;
pub use stop::{Stop, StopState};
pub use stream::{BlockingWaiter, Received, Stream, Waiter, wait_a_step, wait_blocking};
pub use thread_word::ThreadWord;
pub use unicoro_sys::address::SocketAddress;
pub use upgraded::Upgraded;
