//! What comes of a client's compressed messages (RFC 7692), and how far they may grow.

use std::sync::Arc;

use flate2::{Compress, Compression, FlushCompress};

use super::*;
use crate::websocket::client::{Deflate, agreed, frame};
use crate::websocket::message::Message;
use crate::websocket::policy::Policy;
use crate::websocket::pool::Pool;

const LIMIT: usize = 100_000;

fn pool() -> Arc<Pool> {
    Arc::new(Pool::new(Policy::default()))
}

fn decoder(has_takeover: bool, bits: u8, limit: usize) -> Decoder {
    Decoder::new(limit, Some(Inflater::new(&agreed(has_takeover, bits), &pool())))
}

/// Feeds pieces of at most `size` bytes: the data of all messages, or the failure.
fn messages(decoder: &mut Decoder, bytes: &[u8], size: usize) -> Result<Vec<Vec<u8>>, Failure> {
    let mut found = Vec::new();
    for mut piece in bytes.chunks(size) {
        while let Some(event) = decoder.feed(&mut piece)? {
            match event {
                Event::Message(Message { data, .. }) => found.push(data),
                other => panic!("{other:?}"),
            }
        }
    }
    Ok(found)
}

/// The code with which the message of this compressed payload is refused.
fn refused(payload: &[u8], limit: usize) -> u16 {
    let bytes = frame(0xc1, payload);
    let mut codes = [1, 7, bytes.len()]
        .map(|size| messages(&mut decoder(false, 15, limit), &bytes, size).unwrap_err().code);
    codes.sort_unstable();
    assert_eq!(codes[0], codes[2]);
    codes[0]
}

/// `data` as one deflate stream, without the end of its flush.
fn deflated(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() + 100);
    let mut state = Compress::new_with_window_bits(Compression::best(), false, 15);
    state.compress_vec(data, &mut out, FlushCompress::Sync).unwrap();
    out.truncate(out.len() - 4);
    out
}

#[test]
fn the_examples_of_the_rfc_are_read() {
    // RFC 7692, 7.2.3.1 to 7.2.3.5.
    let cases: [&[&[u8]]; 6] = [
        &[b"\xf2\x48\xcd\xc9\xc9\x07\x00"],
        &[b"\xf2\x48\xcd", b"\xc9\xc9\x07\x00"],
        &[b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"],
        &[b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00"],
        &[b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"],
        &[b"", b"\xf2\x48\xcd\xc9\xc9\x07\x00", b""],
    ];
    for fragments in cases {
        let mut bytes = Vec::new();
        for (at, payload) in fragments.iter().enumerate() {
            let fin = if at + 1 == fragments.len() { 0x80 } else { 0 };
            bytes.extend(frame(fin | if at == 0 { 0x41 } else { 0 }, payload));
        }
        for (has_takeover, size) in [(true, 1), (true, 99), (false, 1), (false, 99)] {
            let found = messages(&mut decoder(has_takeover, 15, 5), &bytes, size);
            assert_eq!(found, Ok(vec![b"Hello".to_vec()]), "{}", bytes.escape_ascii());
        }
    }
}

#[test]
fn a_later_message_refers_to_an_earlier_one_with_takeover_only() {
    // RFC 7692, 7.2.3.2.
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
    let bytes = [frame(0xc1, &hello), frame(0xc1, &again)].concat();
    let both = vec![b"Hello".to_vec(), b"Hello".to_vec()];
    assert_eq!(messages(&mut decoder(true, 15, LIMIT), &bytes, 3), Ok(both));
    // Without, it would read what another client has sent: the inflater is shared.
    let pool = pool();
    let decoder = || Decoder::new(LIMIT, Some(Inflater::new(&agreed(false, 15), &pool)));
    let mut first = decoder();
    assert!(messages(&mut first, &frame(0xc1, &hello), 99).is_ok());
    for mut decoder in [first, decoder()] {
        let failure = messages(&mut decoder, &frame(0xc1, &again), 99).unwrap_err();
        assert_eq!(failure.code, 1007);
    }
}

#[test]
fn messages_are_read_with_every_window_and_in_every_piece() {
    let text = "the quick brown fox jumps over the lazy dog, \u{e9}\u{20ac}; ".repeat(400);
    let lens = [0, 1, 60, 600, text.len()];
    for (has_takeover, bits) in
        [false, true].into_iter().flat_map(|has| [8, 9, 12, 15].map(|bits| (has, bits)))
    {
        for size in [1, 50, 5000, usize::MAX] {
            let mut client = Deflate::new(agreed(has_takeover, bits));
            let mut decoder = decoder(has_takeover, bits, text.len());
            for (turn, len) in lens.into_iter().chain(lens).enumerate() {
                let data = &text.as_bytes()[..len];
                let bytes = client.send(2, data, 1 + turn % 3);
                let found = messages(&mut decoder, &bytes, size.min(bytes.len())).unwrap();
                assert!(found.len() == 1 && found[0] == data, "{len} bytes, {bits} bits");
            }
        }
    }
}

#[test]
fn plain_messages_may_come_between() {
    // RFC 7692, 6: it is each message's own choice.
    let mut client = Deflate::new(agreed(true, 15));
    let bytes = [client.send(1, b"Hello", 1), frame(0x81, b"plain"), client.send(1, b"Hello", 1)];
    let found = messages(&mut decoder(true, 15, LIMIT), &bytes.concat(), 4);
    assert_eq!(found, Ok(vec![b"Hello".to_vec(), b"plain".to_vec(), b"Hello".to_vec()]));
}

#[test]
fn a_bomb_is_refused_before_it_is_held() {
    let bomb = deflated(&vec![0; 100 * LIMIT]);
    assert!(bomb.len() < LIMIT / 5, "{} bytes", bomb.len());
    assert_eq!(refused(&bomb, LIMIT), 1009);
    // It is as long as the limit or a byte longer; in both cases memory stays within the limit.
    for (len, is_good) in [(LIMIT, true), (LIMIT + 1, false)] {
        let mut decoder = decoder(false, 15, LIMIT);
        let bytes = frame(0xc2, &deflated(&vec![b'a'; len]));
        let (most, fails) = bytes.chunks(10).fold((0, false), |(most, fails), mut piece| {
            let fed = decoder.feed(&mut piece);
            let held = decoder.message.as_ref().map_or(0, Incoming::capacity);
            (most.max(held), fails || fed.is_err())
        });
        assert_eq!(fails, !is_good);
        assert!(most <= LIMIT + 1, "{most} bytes");
    }
}

#[test]
fn a_compressed_frame_that_can_only_be_too_big_is_refused_at_its_header() {
    let header = crate::websocket::client::header(0xc2, 1 << 30);
    let failure = decoder(false, 15, LIMIT).feed(&mut &header[..]).unwrap_err();
    assert_eq!(failure.code, 1009);
    // What does not compress is a little longer than the limit.
    let mut state = 1u32;
    let noise: Vec<u8> = (0..LIMIT)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    let bytes = frame(0xc2, &deflated(&noise));
    assert!(bytes.len() > LIMIT);
    assert_eq!(messages(&mut decoder(false, 15, LIMIT), &bytes, 4096), Ok(vec![noise]));
}

#[test]
fn what_is_not_deflates_is_refused() {
    assert_eq!(refused(b"\xff\xff\xff", LIMIT), 1007);
    assert_eq!(refused(b"\x00\x05\x00\x00\x00Hello\x00", LIMIT), 1007);
    // Streams that end and end: each takes a state of its own.
    assert_eq!(refused(&b"\x03\x00".repeat(1000), LIMIT), 1007);
}

#[test]
fn inflated_text_is_checked_as_it_comes() {
    let bad = [&[b'a'; 10][..], b"\xff", &[b'b'; 10]].concat();
    assert_eq!(refused(&deflated(&bad), LIMIT), 1007);
    // Nor need the frame be whole, or the block.
    let first = [0x00, 11, 0, 0xf4, 0xff].into_iter().chain(bad[..11].iter().copied());
    let stored: Vec<u8> = first.chain([0; 500]).collect();
    let bytes = frame(0x41, &stored);
    let failed = bytes.iter().position({
        let mut decoder = decoder(false, 15, LIMIT);
        move |byte| decoder.feed(&mut &[*byte][..]).is_err()
    });
    assert_eq!(failed, Some(bytes.len() - stored.len() + 15));
}

#[test]
fn nothing_is_held_before_a_message_is_inflated_nor_behind_it_without_takeover() {
    for (has_takeover, holds) in [(false, false), (true, true)] {
        let mut client = Deflate::new(agreed(has_takeover, 15));
        let mut decoder = decoder(has_takeover, 15, LIMIT);
        messages(&mut decoder, &frame(0x81, b"plain"), 99).unwrap();
        assert!(!decoder.inflater.as_ref().unwrap().has_state());
        messages(&mut decoder, &client.send(1, b"Hello", 1), 99).unwrap();
        assert_eq!(decoder.inflater.as_ref().unwrap().has_state(), holds);
    }
}
