//! Buffers for what is made anew for each request and is short: a response's head, its fields. Those that
//! are done with serve the next request.
//!
//! Not one stock for each thread: an answer that is held is sent by whoever comes to it. Only ever tried:
//! a stock that another thread is at, or was at when this process was forked, is passed by.

use std::sync::Mutex;

/// What a new buffer holds: a head with its fields, and a short body.
const ROOM: usize = 512;
/// One that has grown larger is not kept.
const KEEP: usize = 8 * 1024;
/// How many are kept: a turn holds some answers, and each request has a few.
const STOCK: usize = 64;

static SPARE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// An empty buffer.
#[must_use]
pub fn take() -> Vec<u8> {
    let spare = SPARE.try_lock().ok().and_then(|mut spare| spare.pop());
    spare.unwrap_or_else(|| Vec::with_capacity(ROOM))
}

/// Gives one back.
pub fn give(mut buffer: Vec<u8>) {
    if buffer.capacity() < ROOM || buffer.capacity() > KEEP {
        return;
    }
    buffer.clear();
    if let Ok(mut spare) = SPARE.try_lock()
        && spare.len() < STOCK
    {
        spare.push(buffer);
    }
}
