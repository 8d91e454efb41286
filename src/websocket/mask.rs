//! Masking (RFC 6455, 5.3): the exclusive or of the payload and four bytes that repeat.
//!
//! Eight bytes at a time, in a loop that the compiler makes vector instructions of.

/// Four bytes that a client chose for one frame.
pub type MaskingKey = [u8; 4];

/// Masks or unmasks `bytes`, which stand `offset` bytes behind the payload's beginning.
pub fn apply(bytes: &mut [u8], key: MaskingKey, offset: u64) {
    let mut key = key;
    key.rotate_left((offset % 4) as usize);
    let [a, b, c, d] = key;
    let word = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = bytes.as_chunks_mut();
    for bytes in words {
        *bytes = (u64::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(word.to_ne_bytes()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_repeats_every_four_bytes_wherever_a_piece_begins() {
        let key = [1, 2, 4, 8];
        for len in 0..70 {
            for offset in 0..9u64 {
                let mut bytes = vec![0; len];
                apply(&mut bytes, key, offset);
                // RFC 6455, 5.3: j = i MOD 4.
                let expected: Vec<u8> = (0..len).map(|i| key[(i + offset as usize) % 4]).collect();
                assert_eq!(bytes, expected, "{len} bytes from {offset}");
            }
        }
    }

    #[test]
    fn the_example_of_the_rfc_is_unmasked() {
        // RFC 6455, 5.7.
        let mut bytes = *b"\x7f\x9f\x4d\x51\x58";
        apply(&mut bytes, [0x37, 0xfa, 0x21, 0x3d], 0);
        assert_eq!(&bytes, b"Hello");
    }
}
