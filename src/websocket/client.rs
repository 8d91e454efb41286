//! A client, for tests: it masks and frames what it sends, and reads what a server sends.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

use super::mask::{self, MaskingKey};
use super::parameters::Parameters;

const KEY: MaskingKey = [0x37, 0xfa, 0x21, 0x3d];

/// A masked frame; `first` is the header's first byte.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(first, payload.len() as u64);
    let start = bytes.len();
    bytes.extend_from_slice(payload);
    mask::apply(&mut bytes[start..], KEY, 0);
    bytes
}

/// The header of a masked frame.
pub(super) fn header(first: u8, len: u64) -> Vec<u8> {
    let mut bytes = vec![first];
    match len {
        0..=125 => bytes.push(0x80 | len as u8),
        126..=0xffff => {
            bytes.push(0xfe);
            bytes.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            bytes.push(0xff);
            bytes.extend_from_slice(&len.to_be_bytes());
        }
    }
    bytes.extend_from_slice(&KEY);
    bytes
}

/// The first byte and the payload of a server's frame, which is all of `bytes`.
pub(super) fn read(bytes: &[u8]) -> (u8, &[u8]) {
    assert_eq!(bytes[1] & 0x80, 0, "a server masks nothing");
    let (len, payload) = match bytes[1] {
        126 => (u64::from(u16::from_be_bytes(*bytes[2..].first_chunk().unwrap())), &bytes[4..]),
        127 => (u64::from_be_bytes(*bytes[2..].first_chunk().unwrap()), &bytes[10..]),
        short => (u64::from(short), &bytes[2..]),
    };
    assert_eq!(payload.len() as u64, len);
    (bytes[0], payload)
}

/// A client's side of permessage-deflate, which is zlib's own: what the codec is tested against.
pub(super) struct Deflate {
    /// `None`: each message by itself.
    inflate: Option<Decompress>,
    deflate: Option<Compress>,
    parameters: Parameters,
}

impl Deflate {
    pub(super) fn new(parameters: Parameters) -> Self {
        Deflate { inflate: None, deflate: None, parameters }
    }

    /// A masked frame of a compressed message, cut into `fragments` frames.
    pub(super) fn send(&mut self, opcode: u8, data: &[u8], fragments: usize) -> Vec<u8> {
        let payload = self.deflate(data);
        let pieces: Vec<&[u8]> = payload.chunks(payload.len().div_ceil(fragments)).collect();
        let mut bytes = Vec::new();
        for (at, piece) in pieces.iter().enumerate() {
            let fin = if at + 1 == pieces.len() { 0x80 } else { 0 };
            let first = if at == 0 { 0x40 | opcode } else { 0 };
            bytes.extend(frame(fin | first, piece));
        }
        bytes
    }

    fn deflate(&mut self, data: &[u8]) -> Vec<u8> {
        if data.is_empty() {
            // RFC 7692, 7.2.3.6: zlib flushes nothing a second time.
            return vec![0];
        }
        let bits = self.parameters.client_max_window_bits.max(9);
        let fresh = || Compress::new_with_window_bits(Compression::default(), false, bits);
        let state = self.deflate.get_or_insert_with(fresh);
        let mut out = Vec::with_capacity(2 * data.len() + 100);
        state.compress_vec(data, &mut out, FlushCompress::Sync).unwrap();
        assert!(out.ends_with(b"\0\0\xff\xff"));
        out.truncate(out.len() - 4);
        if self.parameters.client_no_context_takeover {
            self.deflate = None;
        }
        out
    }

    /// The data of a message, which is one frame, and whether it was compressed.
    pub(super) fn receive(&mut self, bytes: &[u8], room: usize) -> (Vec<u8>, bool) {
        let (first, payload) = read(bytes);
        assert_eq!(first & 0xb0, 0x80, "final, and no other bit than RSV1");
        if first & 0x40 == 0 {
            return (payload.to_vec(), false);
        }
        let bits = self.parameters.server_max_window_bits;
        let fresh = || Decompress::new_with_window_bits(false, bits);
        let state = self.inflate.get_or_insert_with(fresh);
        let mut out = Vec::with_capacity(room + 1);
        let payload = [payload, b"\0\0\xff\xff"].concat();
        state.decompress_vec(&payload, &mut out, FlushDecompress::Sync).unwrap();
        if self.parameters.server_no_context_takeover {
            self.inflate = None;
        }
        (out, true)
    }
}

/// What both sides agreed on, with both windows of as many bits.
pub(super) fn agreed(has_takeover: bool, bits: u8) -> Parameters {
    Parameters {
        server_no_context_takeover: !has_takeover,
        client_no_context_takeover: !has_takeover,
        server_max_window_bits: bits,
        client_max_window_bits: bits,
        tells_client_window: true,
        says_server_window: true,
    }
}
