//! A short text in shared memory, with the time since when it is true: a request that a worker is at.
//!
//! Made of atomics, so that its reader needs no lock of a process that may have died. Read while it is
//! being changed, it may be a mixture of two: it is read of workers that have stopped moving.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use unicoro_sys::clock::Moment;

/// 8-byte words for the text: 192 bytes name a request well enough.
const WORDS: usize = 24;

/// A place for a text.
#[derive(Debug)]
pub(super) struct SlotText {
    len: AtomicU32,
    since_ms: AtomicU64,
    words: [AtomicU64; WORDS],
}

impl SlotText {
    /// Leaves a text. Longer ones are cut.
    pub fn set(&self, text: &[u8], since: Moment) {
        self.clear();
        self.since_ms.store(since.as_millis(), Ordering::Relaxed);
        let text = &text[..text.len().min(WORDS * 8)];
        for (word, part) in self.words.iter().zip(text.chunks(8)) {
            let mut bytes = [0; 8];
            bytes[..part.len()].copy_from_slice(part);
            word.store(u64::from_ne_bytes(bytes), Ordering::Relaxed);
        }
        self.len.store(text.len() as u32, Ordering::Release);
    }

    /// Takes it away.
    pub fn clear(&self) {
        self.len.store(0, Ordering::Release);
    }

    /// The text and its age, if there is one.
    pub fn read(&self) -> Option<(String, Duration)> {
        let length = self.len.load(Ordering::Acquire) as usize;
        if length == 0 || length > WORDS * 8 {
            return None;
        }
        let words = self.words.iter().flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes());
        let bytes: Vec<u8> = words.take(length).collect();
        let since = Moment::from_millis(self.since_ms.load(Ordering::Relaxed));
        Some((String::from_utf8_lossy(&bytes).into_owned(), Moment::now() - since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut() {
        let words = [const { AtomicU64::new(0) }; WORDS];
        let text = SlotText { len: AtomicU32::new(0), since_ms: AtomicU64::new(0), words };
        assert_eq!(text.read(), None);
        text.set(&[b'x'; 1000], Moment::now());
        assert_eq!(text.read().unwrap().0, "x".repeat(WORDS * 8));
        text.clear();
        assert_eq!(text.read(), None);
    }
}
