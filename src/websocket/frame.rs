//! A frame's header (RFC 6455, 5.2): a client's is read, a server's is made.
//!
//! ```text
//!  0               1               2 .. 9                    4 bytes
//! +-+-+-+-+-------+-+-------------+-------------------------+-------------+
//! |F|R|R|R| opcode|M| length, or  | length, of 2 bytes      | masking key |
//! |I|S|S|S|       |A| 126: 2 more | or of 8, big-endian     | (clients')  |
//! |N|V|V|V|       |S| 127: 8 more |                         |             |
//! | |1|2|3|       |K|             |                         |             |
//! +-+-+-+-+-------+-+-------------+-------------------------+-------------+
//! ```
//!
//! RSV1 of a message's first frame says that it is compressed, where that was negotiated (RFC 7692, 6).

use std::ops::Deref;

use super::failure::Failure;
use super::mask::MaskingKey;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// More of the message that is under way.
    Continuation = 0,
    /// The first frame of a text message.
    Text = 1,
    /// The first frame of a binary message.
    Binary = 2,
    /// No data follows.
    Close = 8,
    /// Asks for a pong with the same payload.
    Ping = 9,
    /// Answers a ping, or says that the peer is alive.
    Pong = 10,
}

impl Opcode {
    /// `None` for one that is reserved.
    fn of(bits: u8) -> Option<Self> {
        Some(match bits {
            0 => Opcode::Continuation,
            1 => Opcode::Text,
            2 => Opcode::Binary,
            8 => Opcode::Close,
            9 => Opcode::Ping,
            10 => Opcode::Pong,
            _ => return None,
        })
    }

    /// Whether it may come between the frames of a message.
    pub fn is_control(self) -> bool {
        self as u8 & 8 != 0
    }
}

/// A client's header, within the rules that need no other frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientHeader {
    /// What the frame is.
    pub opcode: Opcode,
    /// Whether it is its message's last.
    pub is_final: bool,
    /// RSV1.
    pub is_compressed: bool,
    /// What its payload is masked with.
    pub key: MaskingKey,
    /// Bytes of payload: at most 125 for a control frame.
    pub len: u64,
}

impl ClientHeader {
    /// Reads the header that `bytes` begin with, and says how long it is; `None`: more bytes are needed.
    /// `has_deflate`: permessage-deflate was negotiated.
    ///
    /// # Errors
    /// 1002, with the first byte that shows the fault.
    pub fn read(bytes: &[u8], has_deflate: bool) -> Result<Option<(Self, usize)>, Failure> {
        let Some(&first) = bytes.first() else { return Ok(None) };
        let is_final = first & FIN != 0;
        let is_compressed = first & RSV1 != 0;
        // RFC 6455, 5.2: reserved bits that no extension has given a meaning.
        if first & (RSV2 | RSV3) != 0 || (is_compressed && !has_deflate) {
            return Err(Failure::protocol("a reserved bit is set"));
        }
        let Some(opcode) = Opcode::of(first & OPCODE) else {
            return Err(Failure::protocol("the opcode is reserved"));
        };
        // RFC 7692, 6.1: only the first frame of a message says it.
        if is_compressed && (opcode.is_control() || opcode == Opcode::Continuation) {
            return Err(Failure::protocol("RSV1 is not on a message's first frame"));
        }
        // RFC 6455, 5.5.
        if opcode.is_control() && !is_final {
            return Err(Failure::protocol("a control frame is fragmented"));
        }
        let Some(&second) = bytes.get(1) else { return Ok(None) };
        // RFC 6455, 5.1.
        if second & MASK == 0 {
            return Err(Failure::protocol("a client's frame is not masked"));
        }
        let short = second & !MASK;
        // RFC 6455, 5.5; a length that could have been said in seven bits must be (5.2).
        if opcode.is_control() && short > CONTROL_MAX as u8 {
            return Err(Failure::protocol("a control frame has more than 125 bytes"));
        }
        let Some((len, behind)) = length(short, &bytes[2..])? else { return Ok(None) };
        let Some(&key) = behind.first_chunk() else { return Ok(None) };
        let size = bytes.len() - behind.len() + key.len();
        Ok(Some((Self { opcode, is_final, is_compressed, key, len }, size)))
    }
}

/// The payload's length, and what follows it. That it should take as few bytes as it can is asked of
/// senders; like others we read it either way, since it can be read in one way only.
fn length(short: u8, bytes: &[u8]) -> Result<Option<(u64, &[u8])>, Failure> {
    match short {
        126 => Ok(bytes
            .split_first_chunk()
            .map(|(len, behind)| (u64::from(u16::from_be_bytes(*len)), behind))),
        // RFC 6455, 5.2: the most significant bit must be 0.
        127 if bytes.first().is_some_and(|byte| byte & 0x80 != 0) => {
            Err(Failure::protocol("the length has its highest bit set"))
        }
        127 => {
            Ok(bytes.split_first_chunk().map(|(len, behind)| (u64::from_be_bytes(*len), behind)))
        }
        _ => Ok(Some((u64::from(short), bytes))),
    }
}

/// The header of a final frame that a server sends, inline; dereferences to its bytes.
#[derive(Clone, Copy, Debug)]
pub struct ServerHeader {
    bytes: [u8; SERVER_HEADER_MAX],
    len: u8,
}

impl ServerHeader {
    /// For `len` bytes of payload.
    pub fn new(opcode: Opcode, is_compressed: bool, len: usize) -> Self {
        let mut bytes = [0; SERVER_HEADER_MAX];
        bytes[0] = FIN | if is_compressed { RSV1 } else { 0 } | opcode as u8;
        let size = match len {
            0..=125 => {
                bytes[1] = len as u8;
                2
            }
            126..=0xffff => {
                bytes[1] = 126;
                bytes[2..4].copy_from_slice(&(len as u16).to_be_bytes());
                4
            }
            _ => {
                bytes[1] = 127;
                bytes[2..].copy_from_slice(&(len as u64).to_be_bytes());
                SERVER_HEADER_MAX
            }
        };
        Self { bytes, len: size as u8 }
    }
}

impl Deref for ServerHeader {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const RSV2: u8 = 0x20;
const RSV3: u8 = 0x10;
const OPCODE: u8 = 0x0f;
const MASK: u8 = 0x80;

/// Bytes of the longest header that a client sends: two, the length's eight, the key's four.
pub(super) const CLIENT_HEADER_MAX: usize = 14;
/// As a client's, without the key.
const SERVER_HEADER_MAX: usize = 10;
/// Bytes that a control frame may carry (RFC 6455, 5.5).
pub(super) const CONTROL_MAX: usize = 125;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> (ClientHeader, usize) {
        for end in 0..bytes.len() {
            assert_eq!(ClientHeader::read(&bytes[..end], true), Ok(None), "{end} bytes");
        }
        ClientHeader::read(bytes, true).unwrap().unwrap()
    }

    fn refused(bytes: &[u8]) -> &'static str {
        let failure = ClientHeader::read(bytes, false).unwrap_err();
        assert_eq!(failure.code, 1002);
        failure.reason
    }

    #[test]
    fn a_header_has_its_length_in_seven_bits_or_behind() {
        // RFC 6455, 5.2.
        let header = |opcode, is_final, is_compressed, len| {
            (ClientHeader { opcode, is_final, is_compressed, key: *b"keys", len }, 0).0
        };
        assert_eq!(read(b"\x81\x85keys"), (header(Opcode::Text, true, false, 5), 6));
        assert_eq!(read(b"\x42\xfe\xff\xfekeys"), (header(Opcode::Binary, false, true, 65534), 8));
        let long = b"\x00\xff\x7f\xff\xff\xff\xff\xff\xff\xffkeys";
        let most = u64::MAX / 2;
        assert_eq!(read(long), (header(Opcode::Continuation, false, false, most), 14));
    }

    #[test]
    fn a_fault_is_seen_with_its_byte() {
        for first in [b"\x91", b"\xa1", b"\xc1"] {
            assert_eq!(refused(first), "a reserved bit is set");
        }
        for first in [b"\x83", b"\x87", b"\x8b", b"\x8f"] {
            assert_eq!(refused(first), "the opcode is reserved");
        }
        for first in [b"\x08", b"\x09", b"\x0a"] {
            assert_eq!(refused(first), "a control frame is fragmented");
        }
        assert_eq!(refused(b"\x81\x05"), "a client's frame is not masked");
        for second in [b"\x89\xfe", b"\x88\xff"] {
            assert_eq!(refused(second), "a control frame has more than 125 bytes");
        }
        assert_eq!(refused(b"\x81\xff\x80"), "the length has its highest bit set");
    }

    #[test]
    fn only_the_first_frame_of_a_message_has_rsv1() {
        // RFC 7692, 6.1; and no other reserved bit, whatever was negotiated.
        for first in [b"\xc0", b"\xc8", b"\xc9", b"\xca", b"\xa1", b"\x91"] {
            assert_eq!(ClientHeader::read(first, true).unwrap_err().code, 1002);
        }
        assert_eq!(ClientHeader::read(b"\xc1", true), Ok(None));
    }

    #[test]
    fn a_server_masks_nothing_and_takes_the_shortest_length() {
        // RFC 6455, 5.7.
        assert_eq!(&*ServerHeader::new(Opcode::Text, false, 5), b"\x81\x05");
        assert_eq!(&*ServerHeader::new(Opcode::Pong, false, 125), b"\x8a\x7d");
        assert_eq!(&*ServerHeader::new(Opcode::Binary, true, 126), b"\xc2\x7e\0\x7e");
        assert_eq!(&*ServerHeader::new(Opcode::Binary, false, 0xffff), b"\x82\x7e\xff\xff");
        let long = b"\x82\x7f\0\0\0\0\0\x01\0\0";
        assert_eq!(&*ServerHeader::new(Opcode::Binary, false, 0x10000), long);
    }
}
