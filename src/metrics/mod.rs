//! Figures for others to collect.

mod statsd;

pub use statsd::{Statsd, statsd, use_statsd};
