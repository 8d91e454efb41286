//! A green thread: a coroutine, and a thread's block for it to run under.
//!
//! Cells need no locks: they are touched by who has the scheduler's role, or are the green thread's own
//! (see [`crate::role`], and [`inside()`]).

mod inside;
mod life;
mod parking;
mod thread;

pub use inside::{Inside, coming_in, inside, may_keep_lock, may_park, parkable};
pub use thread::{Green, current};
