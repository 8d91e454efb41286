//! What the engines share that wait for many clients in one epoll set.
//!
//! Parts, not a loop: each engine turns its own, because what it does between two waits is what
//! makes it that engine. Everything here belongs to one thread; nothing locks.

mod acceptor;
mod clients;
mod epoll;
mod line;
mod lot;
mod signals;
mod timers;

pub use clients::Clients;
pub use epoll::{Epoll, Events, Ready, Token};
pub use line::Line;
pub use signals::{OWN, blocked};
pub use timers::{TimerKey, Timers};
