//! The bytes that a client has sent and nobody has consumed yet.
//!
//! An inbox without bytes holds no memory: buffers come from a small stock of the process's and go
//! back to it, so that an idle keep-alive connection costs a struct and not a buffer.

use std::sync::Mutex;

/// What one receive asks for: a request head with its cookies fits, and a body moves in few calls.
const BUFFER: usize = 16 * 1024;
/// Buffers kept for reuse: a turn of the reactor touches at most some hundred.
const STOCK: usize = 64;
/// A buffer that an upload has made larger than this is not kept.
const KEEP: usize = 64 * 1024;

// Not one for each thread: the thread that receives a head is seldom the one that is done with it.
// Only ever tried: a stock that another thread is at, or was at when this process was forked, is
// passed by.
static SPARE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// Received and not yet consumed bytes.
#[derive(Debug, Default)]
pub struct Inbox {
    bytes: Vec<u8>,
    start: usize,
}

impl Inbox {
    /// The bytes that nobody has consumed yet.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Whether nothing is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.start == self.bytes.len()
    }

    /// Drops the first `count` bytes; all, if there are fewer.
    pub fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.bytes.len());
        if self.is_empty() {
            self.start = 0;
            self.bytes.clear();
        }
    }

    /// Takes the first `count` bytes out as a buffer of their own; hand it to [`Inbox::recycle`]
    /// when done. The common case, a head and nothing behind it, copies nothing.
    #[must_use]
    pub fn take_front(&mut self, count: usize) -> Vec<u8> {
        if self.start == 0 && count >= self.bytes.len() {
            return std::mem::take(&mut self.bytes);
        }
        let mut front = fresh();
        front.extend_from_slice(&self.as_slice()[..count]);
        self.consume(count);
        front
    }

    /// Puts what [`Inbox::take_front`] has taken back to where it stood.
    pub fn put_back(&mut self, mut front: Vec<u8>) {
        front.extend_from_slice(self.as_slice());
        Self::recycle(std::mem::replace(&mut self.bytes, front));
        self.start = 0;
    }

    /// Gives a buffer back to the stock.
    pub fn recycle(mut buffer: Vec<u8>) {
        if buffer.capacity() < BUFFER || buffer.capacity() > KEEP {
            return;
        }
        buffer.clear();
        if let Ok(mut spare) = SPARE.try_lock()
            && spare.len() < STOCK
        {
            spare.push(buffer);
        }
    }

    /// Gives up the memory of an empty inbox.
    pub fn release(&mut self) {
        if self.is_empty() && self.bytes.capacity() > 0 {
            self.start = 0;
            Self::recycle(std::mem::take(&mut self.bytes));
        }
    }

    /// The buffer with room for one receive behind what is there.
    pub fn room(&mut self) -> &mut Vec<u8> {
        if self.bytes.capacity() == 0 {
            self.bytes = fresh();
        }
        if self.bytes.spare_capacity_mut().len() < BUFFER / 4 {
            self.bytes.drain(..self.start);
            self.start = 0;
            self.bytes.reserve(BUFFER);
        }
        &mut self.bytes
    }
}

fn fresh() -> Vec<u8> {
    let spare = SPARE.try_lock().ok().and_then(|mut spare| spare.pop());
    spare.unwrap_or_else(|| Vec::with_capacity(BUFFER))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inbox(bytes: &[u8]) -> Inbox {
        let mut inbox = Inbox::default();
        inbox.room().extend_from_slice(bytes);
        inbox
    }

    #[test]
    fn an_empty_inbox_holds_no_memory_after_release() {
        let mut inbox = inbox(b"abc");
        inbox.consume(3);
        inbox.release();
        assert_eq!(inbox.bytes.capacity(), 0);
    }

    #[test]
    fn consuming_more_than_there_is_consumes_all() {
        let mut inbox = inbox(b"headtail");
        inbox.consume(4);
        inbox.consume(usize::MAX);
        assert!(inbox.is_empty());
    }

    #[test]
    fn taking_the_front_leaves_what_is_behind_it() {
        let mut inbox = inbox(b"headtail");
        assert_eq!(inbox.take_front(4), b"head");
        assert_eq!(inbox.as_slice(), b"tail");
        assert_eq!(inbox.take_front(4), b"tail");
        assert!(inbox.is_empty());
    }

    #[test]
    fn room_moves_unread_bytes_and_loses_none() {
        let mut inbox = inbox(&[7; 15 * 1024]);
        inbox.consume(14 * 1024);
        inbox.room();
        assert_eq!(inbox.as_slice(), &[7; 1024]);
    }
}
