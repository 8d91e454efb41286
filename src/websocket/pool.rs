//! States of deflate that lie ready for the next message of any connection.
//!
//! A compressor takes some 300 KiB, and making one costs more than compressing a short message. Connections
//! without context takeover have none of their own: they take one here for the time of a message. No lock
//! is held while a message is worked on.

use std::sync::{Mutex, PoisonError};

use flate2::{Compress, Compression, Decompress};

use super::policy::{Policy, WINDOW_BITS_MAX};

/// What the connections of one worker compress with.
#[derive(Debug)]
pub struct Pool {
    policy: Policy,
    inflaters: Mutex<Vec<Decompress>>,
    /// Each with its window's bits.
    deflaters: Mutex<Vec<(u8, Compress)>>,
}

impl Pool {
    /// An empty one: it takes no memory before a message is compressed.
    pub fn new(policy: Policy) -> Self {
        Pool { policy, inflaters: Mutex::default(), deflaters: Mutex::default() }
    }

    /// How messages are compressed.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// An inflater without history, whose window suits each client.
    pub(super) fn inflater(&self) -> Decompress {
        let idle = self.inflaters.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.unwrap_or_else(|| Decompress::new_with_window_bits(false, WINDOW_BITS_MAX))
    }

    /// Takes one back. It forgets what it has seen: the next message is another client's.
    pub(super) fn return_inflater(&self, mut inflater: Decompress) {
        inflater.reset(false);
        let mut idle = self.inflaters.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push(inflater);
        }
    }

    /// A compressor without history, whose window has `bits`, 9 to 15.
    pub(super) fn deflater(&self, bits: u8) -> Compress {
        let mut idle = self.deflaters.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = idle.iter().position(|(of, _)| *of == bits) {
            return idle.swap_remove(at).1;
        }
        drop(idle);
        let level = Compression::new(self.policy.level.min(9));
        Compress::new_with_window_bits(level, false, bits)
    }

    /// Takes one back, which forgets what it has seen.
    pub(super) fn return_deflater(&self, bits: u8, mut deflater: Compress) {
        deflater.reset();
        let mut idle = self.deflaters.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push((bits, deflater));
        }
    }
}

/// States of each kind that are kept. As many are in use at once as threads compress at once: one on the
/// coroutine engine, where no green thread switches meanwhile.
const IDLE_MAX: usize = 8;
