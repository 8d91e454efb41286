//! The connections whose request head is not whole yet, and when to give each up.

use std::os::fd::{AsRawFd, RawFd};
use std::time::Instant;

use unicoro_contract::Connection;

/// Connections in the order of their descriptors in the poll set.
#[derive(Default)]
pub struct Waiting {
    connections: Vec<(Connection, Option<Instant>)>,
}

impl Waiting {
    /// How many wait.
    pub fn len(&self) -> usize {
        self.connections.len()
    }

    /// Adds one behind the others.
    pub fn push(&mut self, connection: Connection, until: Option<Instant>) {
        self.connections.push((connection, until));
    }

    /// Their descriptors, in order.
    pub fn descriptors(&self) -> impl Iterator<Item = RawFd> {
        self.connections.iter().map(|(connection, _)| connection.stream.as_raw_fd())
    }

    /// The earliest deadline.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.connections.iter().filter_map(|(_, until)| *until).min()
    }

    /// Takes one out; the last takes its place.
    pub fn take(&mut self, index: usize) -> Connection {
        self.connections.swap_remove(index).0
    }

    /// Takes out those whose deadline has passed.
    pub fn take_expired(&mut self, now: Instant) -> Vec<Connection> {
        self.connections
            .extract_if(.., |(_, until)| until.is_some_and(|until| until <= now))
            .map(|(connection, _)| connection)
            .collect()
    }
}
