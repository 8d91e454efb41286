//! Control frames of the server's (RFC 6455, 5.5): close, ping and pong.

use super::close::Close;
use super::control_payload::ControlPayload;
use super::frame::{Opcode, ServerHeader};

/// Writes a ping to the end of `out`.
pub fn ping(payload: &ControlPayload, out: &mut Vec<u8>) {
    push(Opcode::Ping, payload, out);
}

/// Writes a pong to the end of `out`: to a ping, with the same payload (RFC 6455, 5.5.3).
pub fn pong(payload: &ControlPayload, out: &mut Vec<u8>) {
    push(Opcode::Pong, payload, out);
}

/// Writes a close frame to the end of `out`, without a code for `None`. A peer's is answered with the
/// code that it had (RFC 6455, 5.5.1).
pub fn close(close: Option<&Close>, out: &mut Vec<u8>) {
    push(Opcode::Close, &close.map_or(ControlPayload::EMPTY, Close::payload), out);
}

fn push(opcode: Opcode, payload: &ControlPayload, out: &mut Vec<u8>) {
    out.extend_from_slice(&ServerHeader::new(opcode, false, payload.len()));
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_frames_are_final_and_unmasked() {
        // RFC 6455, 5.7.
        let mut out = Vec::new();
        let hello = ControlPayload::new(b"Hello").unwrap();
        ping(&hello, &mut out);
        pong(&hello, &mut out);
        close(None, &mut out);
        close(Some(&Close::new(1000, "bye").unwrap()), &mut out);
        assert_eq!(out, b"\x89\x05Hello\x8a\x05Hello\x88\x00\x88\x05\x03\xe8bye");
    }
}
