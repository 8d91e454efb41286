//! One piece of a response body with the bytes that frame it, ready for one vectored write.
//!
//! The pieces borrow: nothing is copied or allocated for a chunk.

use std::ops::Deref;

/// A piece of body data between its framing bytes; all three are empty when nothing is sent.
#[derive(Clone, Copy, Debug)]
pub struct Framed<'d> {
    /// The chunk's size line, or empty.
    pub prefix: ChunkSize,
    /// What may be sent of the data.
    pub data: &'d [u8],
    /// The chunk's line end, or empty.
    pub suffix: &'static [u8],
}

impl Framed<'_> {
    /// The three parts in the order in which they are written.
    pub fn parts(&self) -> [&[u8]; 3] {
        [&self.prefix, self.data, self.suffix]
    }
}

/// As [`Framed`], for data that the kernel copies from a file.
#[derive(Clone, Copy, Debug)]
pub struct FramedLen {
    /// The chunk's size line, or empty.
    pub prefix: ChunkSize,
    /// Bytes that may be sent of the data.
    pub len: u64,
    /// The chunk's line end, or empty.
    pub suffix: &'static [u8],
}

/// A chunk's size line, inline; dereferences to its bytes.
#[derive(Clone, Copy, Debug)]
pub struct ChunkSize {
    /// Filled from the end.
    line: [u8; LINE_MAX],
    start: usize,
}

impl ChunkSize {
    /// No line at all.
    pub(super) const EMPTY: ChunkSize = ChunkSize { line: [b'\n'; LINE_MAX], start: LINE_MAX };

    /// `length` in hex, and CRLF.
    pub(super) fn new(length: u64) -> Self {
        let mut size = ChunkSize::EMPTY;
        let mut left = length;
        size.push(b'\n');
        size.push(b'\r');
        loop {
            size.push(b"0123456789abcdef"[(left & 0xf) as usize]);
            left >>= 4;
            if left == 0 {
                return size;
            }
        }
    }

    fn push(&mut self, byte: u8) {
        self.start -= 1;
        self.line[self.start] = byte;
    }
}

impl Deref for ChunkSize {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.line[self.start..]
    }
}

/// 16 hex digits of a 64-bit length, and CRLF.
const LINE_MAX: usize = 18;

/// What ends a chunk's data.
pub(super) const CHUNK_END: &[u8] = b"\r\n";

/// The last chunk, and no trailers (RFC 9112, 7.1).
pub(super) const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

#[cfg(test)]
mod tests {
    use super::ChunkSize;

    #[test]
    fn a_size_line_is_hex_and_crlf() {
        assert_eq!(&*ChunkSize::new(1), b"1\r\n");
        assert_eq!(&*ChunkSize::new(0xabc0), b"abc0\r\n");
        assert_eq!(&*ChunkSize::new(u64::MAX), b"ffffffffffffffff\r\n");
        assert_eq!(&*ChunkSize::EMPTY, b"");
    }
}
