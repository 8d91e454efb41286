//! The supervisor, gunicorn's arbiter: one process that forks the workers and never serves.
//!
//! ```text
//!   signals ─> self-pipe ─┐
//!   Ready/Failed/Retiring ┼─> poll() ─> reap first, then one event ─> Plan::step ─> actions ─┐
//!   the clock ────────────┘        ^                                                         │
//!                                  └──────────── fork, kill, log, bind <─────────────────────┘
//! ```
//!
//! [`plan`] decides and touches nothing, the arbiter acts and decides nothing. The supervisor's
//! work is done by one thread. It runs no application; what it needs of the rest of the program, such as
//! to load the application before the fork (`preload_app`), it asks of a [`Host`].
//!
//! The modules stand in layer order; each names only those above it. `workers` is what a worker and its
//! supervisor have between them; in `arbiter`, `turn` hears and `act` does.
//!
//! The rule a reader would break: nothing in the loop may wait for anything but the poll.

mod workers;

pub mod inheritance;

pub mod pidfile;

mod lineage;

mod error;

pub mod plan;

mod options;

mod host;

mod arbiter;

mod startup;

#[cfg(test)]
mod scenarios;

pub use error::{HostError, SupervisorError};
pub use host::Host;
pub use options::Options;
pub use startup::run;
pub use workers::report::{BootFailure, Report};
pub use workers::scoreboard;
pub use workers::station::Station;
