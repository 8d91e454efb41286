//! A message while its frames come: bounded before memory is taken, checked as it comes.
//!
//! Memory grows with what has come, never with what was announced. A compressed message is inflated
//! piece by piece; its compressed bytes are not kept.

use super::failure::Failure;
use super::inflater::Inflater;
use super::mask::{self, MaskingKey};
use super::message::{Kind, Message};
use super::utf8;

/// The message that is under way. Its fragments are not counted: one costs nothing beyond its bytes.
#[derive(Debug)]
pub(super) struct Incoming {
    kind: Kind,
    data: Vec<u8>,
    /// Bytes of `data` that are whole characters, for text.
    checked: usize,
    is_compressed: bool,
    /// Bytes of payload that all frames so far have announced.
    announced: u64,
}

impl Incoming {
    pub(super) fn new(kind: Kind, is_compressed: bool) -> Self {
        Incoming { kind, data: Vec::new(), checked: 0, is_compressed, announced: 0 }
    }

    /// Takes in that a frame of `len` bytes begins.
    ///
    /// # Errors
    /// 1009 if the message gets longer than `limit`, however little of it has come.
    pub(super) fn announce(&mut self, len: u64, limit: usize) -> Result<(), Failure> {
        self.announced = self.announced.saturating_add(len);
        let limit = limit as u64;
        // Deflate needs at most 9 bits for 8, and a few bytes for each flush (RFC 1951, 3.2.4, 3.2.6).
        let most =
            if self.is_compressed { limit.saturating_add(limit / 8 + FLUSHES) } else { limit };
        if self.announced > most { Err(Failure::too_big()) } else { Ok(()) }
    }

    /// Takes in a piece of a frame's payload, which begins `offset` bytes behind the payload's beginning.
    ///
    /// # Errors
    /// 1007 for text that is no UTF-8 and for what cannot be inflated, 1009 for what inflates to more than
    /// `limit`.
    pub(super) fn add(
        &mut self,
        piece: &[u8],
        (key, offset): (MaskingKey, u64),
        inflater: Option<&mut Inflater>,
        limit: usize,
    ) -> Result<(), Failure> {
        let offsets = (offset..).step_by(BLOCK);
        if let Some(inflater) = inflater.filter(|_| self.is_compressed) {
            let mut block = [0; BLOCK];
            for (part, offset) in piece.chunks(BLOCK).zip(offsets) {
                let block = &mut block[..part.len()];
                block.copy_from_slice(part);
                mask::apply(block, key, offset);
                inflater.inflate(block, &mut self.data, limit)?;
                self.check()?;
            }
            return Ok(());
        }
        make_room(&mut self.data, piece.len(), self.announced);
        for (part, offset) in piece.chunks(BLOCK).zip(offsets) {
            let start = self.data.len();
            self.data.extend_from_slice(part);
            mask::apply(&mut self.data[start..], key, offset);
            self.check()?;
        }
        Ok(())
    }

    /// The message, whose last frame is whole.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub(super) fn finish(
        mut self,
        inflater: Option<&mut Inflater>,
        limit: usize,
    ) -> Result<Message, Failure> {
        if let Some(inflater) = inflater.filter(|_| self.is_compressed) {
            inflater.finish(&mut self.data, limit)?;
            self.check()?;
        }
        if self.kind == Kind::Text {
            utf8::check_end(&self.data, self.checked)?;
        }
        Ok(Message { kind: self.kind, data: self.data })
    }

    /// Bytes that the data have room for.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.data.capacity()
    }

    fn check(&mut self) -> Result<(), Failure> {
        match self.kind {
            Kind::Text => utf8::check(&self.data, &mut self.checked),
            Kind::Binary => Ok(()),
        }
    }
}

/// Makes room for `more` bytes; doubles the room if need be, but not above what was `announced`.
fn make_room(data: &mut Vec<u8>, more: usize, announced: u64) {
    let needed = data.len() + more;
    if needed > data.capacity() {
        let announced = usize::try_from(announced).unwrap_or(usize::MAX);
        let wanted = needed.max((2 * data.capacity()).min(announced));
        data.reserve_exact(wanted - data.len());
    }
}

/// Bytes that are copied, unmasked and checked together: few enough to stay in the first-level cache, and
/// on the stack of a green thread.
const BLOCK: usize = 2048;

/// Bytes that a compressed message may have beyond its data for flushes, of which each fragment may need
/// one of 5 bytes.
const FLUSHES: u64 = 1024;
