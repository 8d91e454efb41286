//! Compressing messages to a client (RFC 7692, 7.2.1).

use std::fmt;
use std::sync::Arc;

use flate2::{Compress, CompressError, FlushCompress};

use super::inflater::TAIL;
use super::parameters::Parameters;
use super::pool::Pool;

/// What compresses the messages to one client. It has no state of deflate before the first; and none
/// between messages, if they do not refer to each other.
pub struct Deflater {
    pool: Arc<Pool>,
    window_bits: u8,
    keeps_context: bool,
    state: Option<Compress>,
}

impl Deflater {
    /// For a connection that has agreed on `parameters`.
    pub fn new(parameters: &Parameters, pool: &Arc<Pool>) -> Self {
        Deflater {
            pool: Arc::clone(pool),
            window_bits: parameters.server_max_window_bits,
            keeps_context: !parameters.server_no_context_takeover,
            state: None,
        }
    }

    /// How far back messages to this client may refer.
    pub(super) fn window_bits(&self) -> u8 {
        self.window_bits
    }

    /// Whether it has a state of deflate now.
    #[cfg(test)]
    pub(super) fn has_state(&self) -> bool {
        self.state.is_some()
    }

    /// A message's payload, compressed; `None` if it is better sent as it is.
    pub(super) fn deflate(&mut self, data: &[u8]) -> Option<Vec<u8>> {
        if data.is_empty() || data.len() < self.pool.policy().threshold {
            return None;
        }
        if !self.keeps_context {
            return alone(data, self.window_bits, &self.pool);
        }
        let state = self.state.get_or_insert_with(|| self.pool.deflater(self.window_bits));
        let deflated = compress(state, data);
        if deflated.is_err() {
            self.forget();
        }
        // Sent even if it is longer: the next message may refer to it.
        deflated.ok()
    }

    /// The next message will not refer to earlier ones.
    ///
    /// This is what is due after a message that somebody else has compressed for this client. The client's
    /// window holds, in this order, all that was compressed for it; ours, what we have compressed. Distances
    /// count back from the end, so both must end alike as far back as a message refers. After the other
    /// message they do not, for it stands in the client's window only. A compressor without history refers
    /// to nothing before its own first byte, and from there on both windows have the same bytes again.
    /// Nothing else is in the way: each message ends with the end of a block, at a whole byte, and no block
    /// is marked as the last of its stream, so the client's inflater takes the new stream for more blocks of
    /// the old one. The other message itself refers to nothing before its own first byte, so it reads the
    /// same whatever the client's window holds.
    ///
    /// Giving the state back is better than resetting it here: a client that is only told what all are
    /// told has no state at all, and costs no reset for each such message.
    pub(super) fn forget(&mut self) {
        if let Some(state) = self.state.take() {
            self.pool.return_deflater(self.window_bits, state);
        }
    }
}

impl fmt::Debug for Deflater {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Deflater")
            .field("window_bits", &self.window_bits)
            .field("keeps_context", &self.keeps_context)
            .finish_non_exhaustive()
    }
}

/// `data` compressed with no reference to an earlier message; `None` if that makes it no shorter.
pub(super) fn alone(data: &[u8], window_bits: u8, pool: &Pool) -> Option<Vec<u8>> {
    let mut state = pool.deflater(window_bits);
    let deflated = compress(&mut state, data);
    pool.return_deflater(window_bits, state);
    deflated.ok().filter(|deflated| deflated.len() < data.len())
}

/// Compresses `data`, which is not empty, up to the end of a block, and takes [`TAIL`] off.
fn compress(state: &mut Compress, mut data: &[u8]) -> Result<Vec<u8>, CompressError> {
    let mut out = Vec::with_capacity(data.len() / 2 + FLUSH_ROOM);
    loop {
        // With less room, zlib might write the flush's end twice (its manual, on `deflate`).
        out.reserve(FLUSH_ROOM);
        let before = state.total_in();
        state.compress_vec(data, &mut out, FlushCompress::Sync)?;
        data = &data[(state.total_in() - before) as usize..];
        if data.is_empty() && out.len() < out.capacity() {
            break;
        }
    }
    debug_assert!(out.ends_with(TAIL));
    out.truncate(out.len() - TAIL.len());
    Ok(out)
}

/// Bytes of room for a flush, and some to spare.
const FLUSH_ROOM: usize = 64;
