//! Inflating a client's messages (RFC 7692, 7.2.2), never to more than may be held.

use std::fmt;
use std::sync::Arc;

use flate2::{Decompress, FlushDecompress, Status};

use super::failure::Failure;
use super::parameters::Parameters;
use super::policy::WINDOW_BITS_MIN;
use super::pool::Pool;

/// What inflates the messages of one client. It has no state of deflate before the first compressed
/// message; and none between messages, if they do not refer to each other.
pub struct Inflater {
    pool: Arc<Pool>,
    window_bits: u8,
    keeps_context: bool,
    state: Option<Decompress>,
    /// Streams that have ended within this message.
    ended: u32,
}

impl Inflater {
    /// For a connection that has agreed on `parameters`.
    pub fn new(parameters: &Parameters, pool: &Arc<Pool>) -> Self {
        Inflater {
            pool: Arc::clone(pool),
            // zlib's inflater knows no window of 256 bytes either; a greater one does.
            window_bits: parameters.client_max_window_bits.max(WINDOW_BITS_MIN),
            keeps_context: !parameters.client_no_context_takeover,
            state: None,
            ended: 0,
        }
    }

    /// Whether it has a state of deflate now.
    #[cfg(test)]
    pub(super) fn has_state(&self) -> bool {
        self.state.is_some()
    }

    /// Inflates a piece of a message to the end of `out`.
    ///
    /// # Errors
    /// 1009 once `out` would have more than `limit` bytes, 1007 for what is not deflate's.
    pub(super) fn inflate(
        &mut self,
        mut input: &[u8],
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), Failure> {
        let state = self.state.get_or_insert_with(|| match self.keeps_context {
            true => Decompress::new_with_window_bits(false, self.window_bits),
            false => self.pool.inflater(),
        });
        loop {
            make_room(out, input.len(), limit);
            let (room, before) = (out.capacity() - out.len(), (state.total_in(), out.len()));
            let status = state.decompress_vec(input, out, FlushDecompress::None);
            let status = status.map_err(|_| INVALID)?;
            let taken = (state.total_in() - before.0) as usize;
            let given = out.len() - before.1;
            input = &input[taken..];
            if out.len() > limit {
                return Err(Failure::too_big());
            }
            if status == Status::StreamEnd {
                // RFC 7692, 7.2.3.4: a block may be the last of its stream, and another one follows.
                self.ended += 1;
                if self.ended > ENDED_MAX {
                    return Err(INVALID);
                }
                state.reset(false);
            } else if input.is_empty() && given < room {
                return Ok(());
            } else if taken == 0 && given == 0 {
                return Err(INVALID);
            }
        }
    }

    /// Inflates what is left of a message whose bytes have all come.
    ///
    /// # Errors
    /// As [`Self::inflate`].
    pub(super) fn finish(&mut self, out: &mut Vec<u8>, limit: usize) -> Result<(), Failure> {
        self.inflate(TAIL, out, limit)?;
        self.ended = 0;
        if !self.keeps_context
            && let Some(state) = self.state.take()
        {
            self.pool.return_inflater(state);
        }
        Ok(())
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Inflater")
            .field("window_bits", &self.window_bits)
            .field("keeps_context", &self.keeps_context)
            .finish_non_exhaustive()
    }
}

/// Makes sure that `out` has room; with one byte more than `limit`, so that an excess shows.
fn make_room(out: &mut Vec<u8>, input: usize, limit: usize) {
    if out.len() == out.capacity() {
        let wanted =
            (2 * out.capacity()).max(FIRST_ROOM.max(4 * input)).min(limit.saturating_add(1));
        out.reserve_exact(wanted.saturating_sub(out.len()).max(1));
    }
}

/// What a sender takes off the end of each message (RFC 7692, 7.2.1).
pub(super) const TAIL: &[u8] = b"\0\0\xff\xff";

const INVALID: Failure = Failure::invalid("the message cannot be inflated");

/// Bytes that a message is first inflated into.
const FIRST_ROOM: usize = 64;

/// Streams that one message may end. Senders that do it at all end one a message or a fragment; each costs
/// a new state, and takes two bytes.
const ENDED_MAX: u32 = 64;
