//! The supervisor, gunicorn's arbiter: one process that forks the workers and never serves.
//!
//! ```text
//!   signals ─> self-pipe ─┐
//!   Ready/Failed/Retiring ┼─> poll() ─> reap first, then one event ─> Plan::step ─> actions ─┐
//!   the clock ────────────┘        ^                                                         │
//!                                  └──────────── fork, kill, log, bind <─────────────────────┘
//! ```
//!
//! [`plan`] decides and touches nothing, the arbiter acts and decides nothing. The supervisor has
//! one thread and never imports the app; what it needs of the rest of the program it asks of a
//! [`Host`].
//!
//! The rule a reader would break: nothing in the loop may wait for anything but the poll.

mod arbiter;
mod birth;
mod desk;
mod figures;
mod generation;
mod host;
pub mod inheritance;
mod listeners;
mod obituary;
mod options;
pub mod pidfile;
pub mod plan;
mod report;
pub mod scoreboard;
mod slot_text;
mod startup;
mod systemd;
mod upgrade;
mod worker_seat;

#[cfg(test)]
mod scenarios;

pub use host::Host;
pub use options::Options;
pub use report::{BootFailure, Report};
pub use startup::run;
pub use worker_seat::WorkerSeat;
