//! The line of requests that wait for somebody to serve them.
//!
//! Those that have come whole go first: whoever serves one that has not waits for its client, and
//! the line waits with it.

use std::collections::VecDeque;

use unicoro_contract::Connection;

/// Of this many requests taken, one is of those that may wait.
const LATER: u64 = 4;

/// Requests in the order in which they are served.
#[derive(Default)]
pub struct Line {
    // At most worker_connections: each connection is in one of these, once, or in neither.
    whole: VecDeque<Box<Connection>>,
    later: VecDeque<Box<Connection>>,
    taken: u64,
}

impl Line {
    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.whole.len() + self.later.len()
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds one behind the others. With `later`, others go before it.
    pub fn push(&mut self, connection: Box<Connection>, later: bool) {
        let line = if later { &mut self.later } else { &mut self.whole };
        line.push_back(connection);
    }

    /// The next: those of `later` when there are no others, and now and then all the same, for they
    /// may be large uploads that nobody attacks with.
    pub fn take(&mut self) -> Option<Box<Connection>> {
        self.taken += 1;
        if self.taken.is_multiple_of(LATER) {
            return self.later.pop_front().or_else(|| self.whole.pop_front());
        }
        self.whole.pop_front().or_else(|| self.later.pop_front())
    }
}
