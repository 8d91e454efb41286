//! The connections whose request head is not whole yet, and when to give each up.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use unicoro_contract::{Connection, Interest, Stream};
use unicoro_sys::poll::{PollFd, readable, readable_or_writable, writable};

/// One of them.
pub struct Entry {
    pub connection: Connection,
    /// When to give it up.
    pub until: Option<Instant>,
    /// When it was accepted.
    pub since: Instant,
}

/// Connections in the order of their descriptors in the poll set.
#[derive(Default)]
pub struct Waiting {
    connections: Vec<Entry>,
}

impl Waiting {
    /// How many wait.
    pub fn len(&self) -> usize {
        self.connections.len()
    }

    /// Adds one behind the others.
    pub fn push(&mut self, entry: Entry) {
        self.connections.push(entry);
    }

    /// What each of them waits for, in order.
    pub fn awaited(&self) -> impl Iterator<Item = PollFd<'_>> {
        self.connections.iter().map(|entry| {
            let connection = &entry.connection;
            let fd = connection.stream.as_fd();
            match connection.stream.upgraded().filter(|_| connection.is_left) {
                None => readable(fd),
                Some(upgraded) => match upgraded.awaits() {
                    Interest::Read => readable(fd),
                    Interest::Write => writable(fd),
                    Interest::Either => readable_or_writable(fd),
                },
            }
        })
    }

    /// The earliest deadline.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.connections.iter().filter_map(|entry| entry.until).min()
    }

    /// Takes one out; the last takes its place.
    pub fn take(&mut self, index: usize) -> Entry {
        self.connections.swap_remove(index)
    }

    /// Takes out the one of this stream.
    pub fn take_of(&mut self, stream: &Arc<Stream>) -> Option<Entry> {
        let is_it = |entry: &Entry| Arc::ptr_eq(&entry.connection.stream, stream);
        self.connections.iter().position(is_it).map(|index| self.take(index))
    }

    /// Since when the one that has waited the longest for a request waits.
    pub fn oldest_since(&self) -> Option<Instant> {
        self.for_requests().map(|(_, entry)| entry.since).min()
    }

    /// Those of which a request is to come.
    fn for_requests(&self) -> impl Iterator<Item = (usize, &Entry)> {
        self.connections.iter().enumerate().filter(|(_, entry)| !entry.connection.is_left)
    }

    /// Takes out the one that has waited the longest.
    pub fn take_oldest(&mut self) -> Option<Entry> {
        let (index, _) = self.for_requests().min_by_key(|(_, entry)| entry.since)?;
        Some(self.take(index))
    }

    /// Takes out those that have waited for a request for `age` or longer at `now`.
    pub fn take_older(&mut self, now: Instant, age: Duration) -> Vec<Entry> {
        let is_old =
            |entry: &mut Entry| !entry.connection.is_left && now.duration_since(entry.since) >= age;
        self.connections.extract_if(.., is_old).collect()
    }

    /// Takes out those whose deadline has passed.
    pub fn take_expired(&mut self, now: Instant) -> Vec<Entry> {
        self.connections
            .extract_if(.., |entry| entry.until.is_some_and(|until| until <= now))
            .collect()
    }

    /// Takes all out.
    pub fn take_all(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.connections)
    }
}
