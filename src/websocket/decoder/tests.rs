//! What comes of a client's frames, however they are cut.

use super::*;
use crate::websocket::client::{frame, header};
use crate::websocket::message::Message;

const LIMIT: usize = 1000;

/// Events, and the failure that ends them.
type Outcome = (Vec<Event>, Option<Failure>);

/// Feeds pieces that end at `ends`.
fn fed(bytes: &[u8], ends: impl IntoIterator<Item = usize>) -> Outcome {
    let mut decoder = Decoder::new(LIMIT, None);
    let (mut events, mut at) = (Vec::new(), 0);
    for end in ends {
        let mut piece = &bytes[at..end];
        at = end;
        loop {
            match decoder.feed(&mut piece) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(failure) => {
                    assert_eq!(decoder.feed(&mut piece), Err(failure), "a failure stays");
                    assert!(decoder.has_ended());
                    return (events, Some(failure));
                }
            }
        }
        assert!(piece.is_empty(), "all is taken");
    }
    (events, None)
}

/// The outcome for `bytes`, however they are cut.
fn outcome(bytes: &[u8]) -> Outcome {
    let whole = fed(bytes, [bytes.len()]);
    assert_eq!(fed(bytes, 1..=bytes.len()), whole, "byte by byte: {}", bytes.escape_ascii());
    for split in 0..bytes.len().min(300) {
        let found = fed(bytes, [split, bytes.len()]);
        assert_eq!(found, whole, "split at {split}: {}", bytes.escape_ascii());
    }
    whole
}

fn events(bytes: &[u8]) -> Vec<Event> {
    let (events, failure) = outcome(bytes);
    assert_eq!(failure, None, "{}", bytes.escape_ascii());
    events
}

fn refused(bytes: &[u8]) -> (u16, &'static str) {
    let failure = outcome(bytes).1.unwrap();
    (failure.code, failure.reason)
}

/// How many bytes are taken before the connection fails.
fn refused_after(bytes: &[u8]) -> usize {
    (0..=bytes.len()).find(|end| fed(&bytes[..*end], [*end]).1.is_some()).unwrap()
}

fn text(data: &str) -> Event {
    Event::Message(Message { kind: Kind::Text, data: data.into() })
}

fn binary(data: &[u8]) -> Event {
    Event::Message(Message { kind: Kind::Binary, data: data.into() })
}

fn payload(bytes: &[u8]) -> ControlPayload {
    ControlPayload::new(bytes).unwrap()
}

#[test]
fn a_frame_is_a_message() {
    // RFC 6455, 5.7.
    let hello = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    assert_eq!(events(hello), [text("Hello")]);
    assert_eq!(events(&frame(0x82, b"\xff\0")), [binary(b"\xff\0")]);
    assert_eq!(events(&frame(0x81, b"")), [text("")]);
    for len in [125, 126, 127, LIMIT] {
        let data = vec![7; len];
        assert_eq!(events(&frame(0x82, &data)), [binary(&data)], "{len} bytes");
    }
}

#[test]
fn messages_follow_each_other() {
    let bytes = [frame(0x81, b"a"), frame(0x82, b""), frame(0x81, b"b")].concat();
    assert_eq!(events(&bytes), [text("a"), binary(b""), text("b")]);
}

#[test]
fn fragments_make_one_message_and_control_frames_may_come_between() {
    // RFC 6455, 5.4.
    let bytes = [
        frame(0x01, b"Hel"),
        frame(0x89, b"ping"),
        frame(0x00, b""),
        frame(0x8a, b""),
        frame(0x80, b"lo"),
        frame(0x89, &[1; 125]),
    ]
    .concat();
    let expected = [
        Event::Ping(payload(b"ping")),
        Event::Pong(payload(b"")),
        text("Hello"),
        Event::Ping(payload(&[1; 125])),
    ];
    assert_eq!(events(&bytes), expected);
}

#[test]
fn frames_that_do_not_follow_are_refused() {
    // RFC 6455, 5.4.
    let within = (1002, "a message begins within another");
    assert_eq!(refused(&[frame(0x01, b"a"), frame(0x81, b"b")].concat()), within);
    assert_eq!(refused(&[frame(0x02, b"a"), frame(0x02, b"b")].concat()), within);
    let nothing = (1002, "a continuation continues nothing");
    assert_eq!(refused(&frame(0x80, b"a")), nothing);
    assert_eq!(refused(&[frame(0x81, b"a"), frame(0x00, b"b")].concat()), nothing);
}

#[test]
fn events_before_a_fault_are_given() {
    let (events, failure) = outcome(&[frame(0x81, b"a"), frame(0x83, b"b")].concat());
    assert_eq!(events, [text("a")]);
    assert_eq!(failure.unwrap().code, 1002);
}

#[test]
fn without_compression_no_reserved_bit_may_be_set() {
    for first in [0xc1, 0xa1, 0x91, 0xc9] {
        assert_eq!(refused(&frame(first, b"a")), (1002, "a reserved bit is set"));
    }
}

#[test]
fn a_close_frame_is_the_last_event() {
    // RFC 6455, 5.5.1.
    let bytes = [frame(0x88, b"\x03\xe9bye"), frame(0x81, b"a"), b"\xff\xff".to_vec()].concat();
    assert_eq!(events(&bytes), [Event::Close(Some(Close::new(1001, "bye").unwrap()))]);
    assert_eq!(events(&frame(0x88, b"")), [Event::Close(None)]);
    assert_eq!(refused(&frame(0x88, b"\x03")), (1002, "a close frame has one byte"));
    assert_eq!(refused(&frame(0x88, b"\x03\xed")), (1002, "the close code is reserved"));
    assert_eq!(refused(&frame(0x88, b"\x03\xe8\xff")).0, 1007);
}

#[test]
fn a_character_may_be_split_over_frames() {
    // RFC 6455, 5.6.
    let word = "κόσμε\u{10ffff}".as_bytes();
    for split in 0..=word.len() {
        let bytes = [frame(0x01, &word[..split]), frame(0x80, &word[split..])].concat();
        assert_eq!(events(&bytes), [text("κόσμε\u{10ffff}")], "split at {split}");
    }
    assert_eq!(refused(&frame(0x81, &word[..1])), (1007, "the text is not UTF-8"));
    assert_eq!(events(&frame(0x82, b"\xff\xfe")), [binary(b"\xff\xfe")]);
}

#[test]
fn text_that_is_no_utf8_fails_with_the_byte_that_shows_it() {
    // Autobahn 6.4: a surrogate in the middle of a frame whose rest has not come.
    let good = "κόσμε".as_bytes();
    let bad = [good, b"\xf4\x90\x80\x80", &[b'x'; 100]].concat();
    let bytes = frame(0x01, &bad);
    let second = bytes.len() - bad.len() + good.len() + 2;
    assert_eq!(refused_after(&bytes), second);
    let parts = [frame(0x01, good), frame(0x00, b"\xf4"), frame(0x00, b"\x90\x80")].concat();
    assert_eq!(refused_after(&parts), parts.len() - 1);
    assert_eq!(refused(&parts), (1007, "the text is not UTF-8"));
}

#[test]
fn a_message_above_the_limit_is_refused_at_its_header() {
    let too_big = (1009, "the message is too big");
    for len in [LIMIT as u64 + 1, 1 << 30, u64::MAX / 2] {
        let bytes = header(0x82, len);
        assert_eq!(refused(&bytes), too_big, "{len} bytes");
        assert_eq!(refused_after(&bytes), bytes.len());
    }
    let parts = [frame(0x02, &[0; LIMIT - 1]), frame(0x00, b"x"), header(0x80, 1)].concat();
    assert_eq!(refused(&parts), too_big);
    assert_eq!(refused_after(&parts), parts.len());
}

#[test]
fn memory_is_taken_for_what_has_come() {
    let mut decoder = Decoder::new(1 << 30, None);
    let bytes = [header(0x82, 1 << 30), vec![0; 10]].concat();
    assert_eq!(decoder.feed(&mut &bytes[..]), Ok(None));
    let capacity = decoder.message.as_ref().unwrap().capacity();
    assert!(capacity <= 64, "{capacity} bytes for 10");
}

#[test]
fn an_idle_decoder_is_small() {
    assert!(size_of::<Decoder>() <= 512, "{} bytes", size_of::<Decoder>());
    let mut decoder = Decoder::new(LIMIT, None);
    assert!(!decoder.is_within_message());
    assert_eq!(decoder.feed(&mut &frame(0x01, b"a")[..]), Ok(None));
    assert!(decoder.is_within_message());
    assert!(decoder.feed(&mut &frame(0x80, b"a")[..]).unwrap().is_some());
    assert!(!decoder.is_within_message() && decoder.message.is_none());
}
