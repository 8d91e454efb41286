//! What the engines share that wait for many clients in one epoll set.
//!
//! Parts, not a loop: each engine turns its own, because what it does between two waits is what
//! makes it that engine. Everything here belongs to one thread; nothing locks.

mod acceptor;
mod epoll;
mod lot;
mod signals;
mod timers;

pub use acceptor::Acceptor;
pub use epoll::{Epoll, Events, Ready, Token};
pub use lot::{Expiry, Lot};
pub use signals::{OWN, blocked, thread_id};
pub use timers::{TimerKey, Timers};
