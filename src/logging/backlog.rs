//! Lines that a log cannot take now: kept up to a limit, then counted.
//!
//! Pure: it is given what could be written, and says what is next. Lines stay whole and in order.

use std::collections::VecDeque;

/// About two thousand access-log lines: seconds of a busy server, little memory of a stuck one.
const MOST_BYTES: usize = 256 * 1024;

/// What waits to be written.
#[derive(Debug, Default)]
pub struct Backlog {
    bytes: VecDeque<u8>,
    dropped: u64,
}

impl Backlog {
    /// True when nothing waits.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Keeps a line, or counts it as dropped. False: this is the first that was dropped.
    pub fn push(&mut self, line: &[u8]) -> bool {
        if self.bytes.len() + line.len() > MOST_BYTES {
            self.dropped += 1;
            return self.dropped > 1;
        }
        self.bytes.extend(line);
        true
    }

    /// Keeps the rest of a line that was written in part: it must follow, however long it is.
    pub fn push_rest(&mut self, rest: &[u8]) {
        self.bytes.extend(rest);
    }

    /// What is to be written next; empty when nothing is.
    pub fn front(&self) -> &[u8] {
        let (front, back) = self.bytes.as_slices();
        if front.is_empty() { back } else { front }
    }

    /// So much of it was written.
    pub fn written(&mut self, count: usize) {
        self.bytes.drain(..count.min(self.bytes.len()));
    }

    /// How many lines were dropped since the last question, once nothing waits any more.
    pub fn take_dropped(&mut self) -> u64 {
        if self.is_empty() { std::mem::take(&mut self.dropped) } else { 0 }
    }

    /// Gives everything up: the log is gone for good.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_whole_and_in_order_and_counted_beyond_the_limit() {
        let mut backlog = Backlog::default();
        backlog.push_rest(b"st\n");
        assert!(backlog.push(b"second\n"));
        backlog.written(4);
        assert_eq!(backlog.front(), b"econd\n");
        let line = vec![b'x'; MOST_BYTES];
        assert!(!backlog.push(&line));
        assert!(backlog.push(&line));
        assert_eq!(backlog.take_dropped(), 0, "said when the log flows again");
        backlog.written(6);
        assert_eq!((backlog.take_dropped(), backlog.take_dropped()), (2, 0));
    }
}
