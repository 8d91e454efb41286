//! permessage-deflate between `websocket` and a client that is zlib's streams and nothing else: one for each
//! direction, or a new one for each message, as was agreed. What one side sends the other must read, and
//! what no side would send must neither be held beyond the limit nor depend on how it is cut.

use std::sync::Arc;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

use crate::http::{Limits, parse};
use crate::websocket::{
    Data, Decoder, Deflater, Encoder, Event, Inflater, Parameters, Policy, Pool, Prepared, Upgrade,
    mask,
};

/// Bytes of a message.
const LIMIT: usize = 2000;

/// What ends a message's deflate blocks, and is not sent.
const TAIL: &[u8] = b"\0\0\xff\xff";

/// Panics where a rule is broken. The first byte chooses what is agreed on; each message is a byte that says
/// how long it is and how often it repeats, and its data.
pub fn check(input: &[u8]) {
    let Some((choice, data)) = input.split_first() else { return };
    let has_takeover = choice & 1 != 0;
    let bits = 9 + (choice >> 1) % 7;
    let policy = Policy {
        server_context_takeover: has_takeover,
        client_context_takeover: has_takeover,
        threshold: 8,
        ..Policy::default()
    };
    let agreed = negotiate(bits, &policy);
    assert_eq!(agreed.server_no_context_takeover, !has_takeover);
    assert_eq!((agreed.server_max_window_bits, agreed.client_max_window_bits), (bits, bits));
    let pool = Arc::new(Pool::new(policy));
    let messages = messages(data);
    to_the_client(&messages, &agreed, &pool);
    from_the_client(&messages, &agreed, &pool, usize::from(*choice) + 1);
    garbage(data, &agreed, &pool);
}

fn negotiate(bits: u8, policy: &Policy) -> Parameters {
    let head = format!(
        "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits={bits}; \
         client_max_window_bits={bits}\r\n\r\n"
    );
    let head = parse(head.as_bytes(), &Limits::default()).expect("a good head");
    let upgrade = Upgrade::of(&head).expect("a good request").expect("for a WebSocket");
    upgrade.negotiate(policy).expect("an offer that can be met")
}

fn messages(mut data: &[u8]) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    while let Some((first, rest)) = data.split_first() {
        let (part, behind) = rest.split_at(usize::from(first % 32).min(rest.len()));
        messages.push(part.repeat(1 + usize::from(first / 32) * 8));
        data = behind;
    }
    messages
}

fn to_the_client(messages: &[Vec<u8>], agreed: &Parameters, pool: &Arc<Pool>) {
    let mut encoder = Encoder::new(Some(Deflater::new(agreed, pool)));
    let fresh = || Decompress::new_with_window_bits(false, agreed.server_max_window_bits);
    let mut inflate = fresh();
    for (at, message) in messages.iter().enumerate() {
        // Every third is for many.
        let bytes = if at % 3 == 2 {
            encoder.prepared(&Prepared::new(Data::Binary(message), pool)).to_vec()
        } else {
            encoder.message(Data::Binary(message)).parts().concat()
        };
        let payload = &bytes[if bytes[1] == 126 { 4 } else { 2 }..];
        if bytes[0] == 0x82 {
            assert_eq!(payload, message);
            continue;
        }
        assert_eq!(bytes[0], 0xc2);
        let mut out = Vec::with_capacity(message.len() + 1);
        let whole = [payload, TAIL].concat();
        inflate.decompress_vec(&whole, &mut out, FlushDecompress::Sync).expect("it is deflate's");
        assert_eq!(&out, message);
        if agreed.server_no_context_takeover {
            inflate = fresh();
        }
    }
}

fn from_the_client(messages: &[Vec<u8>], agreed: &Parameters, pool: &Arc<Pool>, size: usize) {
    let mut decoder = Decoder::new(LIMIT, Some(Inflater::new(agreed, pool)));
    let fresh = || {
        Compress::new_with_window_bits(Compression::fast(), false, agreed.client_max_window_bits)
    };
    let mut deflate = fresh();
    for message in messages.iter().filter(|message| !message.is_empty()) {
        let mut out = Vec::with_capacity(2 * message.len() + 64);
        deflate.compress_vec(message, &mut out, FlushCompress::Sync).expect("it never fails");
        out.truncate(out.len() - TAIL.len());
        let found = decode(&mut decoder, &frame(&out), size);
        if message.len() > LIMIT {
            assert_eq!(found, Err(1009));
            return;
        }
        assert_eq!(found, Ok(vec![message.clone()]));
        if agreed.client_no_context_takeover {
            deflate = fresh();
        }
    }
}

fn garbage(payload: &[u8], agreed: &Parameters, pool: &Arc<Pool>) {
    let bytes = frame(payload);
    let mut outcomes = [1, 7, bytes.len()].map(|size| {
        decode(&mut Decoder::new(LIMIT, Some(Inflater::new(agreed, pool))), &bytes, size)
    });
    outcomes.rotate_left(1);
    for outcome in &outcomes {
        // Of two faults, a long piece may show the second.
        let both_fail = outcome.is_err() && outcomes[0].is_err();
        assert!(both_fail || *outcome == outcomes[0], "{outcomes:?}");
        assert!(outcome.as_ref().is_ok_and(|messages| messages[0].len() <= LIMIT) || both_fail);
    }
}

/// A client's frame of a whole compressed message.
fn frame(payload: &[u8]) -> Vec<u8> {
    let key = *b"mask";
    let mut bytes = vec![0xc2, 0xfe];
    bytes.extend_from_slice(&(payload.len() as u16).to_be_bytes());
    bytes.extend_from_slice(&key);
    let start = bytes.len();
    bytes.extend_from_slice(payload);
    mask::apply(&mut bytes[start..], key, 0);
    bytes
}

/// The messages, or the code with which the connection fails.
fn decode(decoder: &mut Decoder, bytes: &[u8], size: usize) -> Result<Vec<Vec<u8>>, u16> {
    let mut found = Vec::new();
    for mut piece in bytes.chunks(size) {
        while let Some(event) = decoder.feed(&mut piece).map_err(|failure| failure.code)? {
            match event {
                Event::Message(message) => found.push(message.data),
                other => panic!("{other:?}"),
            }
        }
    }
    Ok(found)
}
