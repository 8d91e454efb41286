//! A WebSocket's frames: a client's message decoded, and one encoded for it.
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use unicoro::http::{Limits, parse};
use unicoro::websocket::{
    Data, Decoder, Deflater, Encoder, Event, Kind, Policy, Pool, Prepared, ServerHeader, Upgrade,
    mask,
};

/// Bytes of a message that are taken: more than any here.
const LIMIT: usize = 1 << 20;

/// A masked frame of a whole message.
fn frame(kind: Kind, payload: &[u8]) -> Vec<u8> {
    let key = *b"\x37\xfa\x21\x3d";
    let mut bytes = ServerHeader::new(kind.opcode(), false, payload.len()).to_vec();
    bytes[1] |= 0x80;
    bytes.extend_from_slice(&key);
    let start = bytes.len();
    bytes.extend_from_slice(payload);
    mask::apply(&mut bytes[start..], key, 0);
    bytes
}

/// For a client that has agreed on compression, without context takeover.
fn compressing(pool: &Arc<Pool>) -> Encoder {
    let head = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    let upgrade = Upgrade::of(&parse(head, &Limits::default()).unwrap()).unwrap().unwrap();
    Encoder::new(Some(Deflater::new(&upgrade.negotiate(pool.policy()).unwrap(), pool)))
}

fn websocket(criterion: &mut Criterion) {
    for (name, len) in [("100", 100), ("64k", 65_536)] {
        let payload = vec![b'a'; len];
        for (what, kind) in [("text", Kind::Text), ("binary", Kind::Binary)] {
            let bytes = frame(kind, &payload);
            let mut decoder = Decoder::new(LIMIT, None);
            criterion.bench_function(&format!("websocket/decode/{what}/{name}"), |bencher| {
                bencher.iter(|| match decoder.feed(&mut black_box(&bytes[..])).unwrap() {
                    Some(Event::Message(message)) => message.data.len(),
                    _ => unreachable!("it is one message"),
                });
            });
        }
        let mut encoder = Encoder::new(None);
        criterion.bench_function(&format!("websocket/encode/{name}"), |bencher| {
            bencher.iter(|| {
                let framed = encoder.message(Data::Binary(black_box(&payload)));
                framed.parts().map(<[u8]>::len)
            });
        });
        let mut masked = payload.clone();
        criterion.bench_function(&format!("websocket/mask/{name}"), |bencher| {
            bencher.iter(|| mask::apply(black_box(&mut masked), *b"mask", 0));
        });
    }
    let pool = Arc::new(Pool::new(Policy::default()));
    let text = "{\"symbol\": \"ABC\", \"price\": 17.25, \"volume\": 1200}, ".repeat(80);
    criterion.bench_function("websocket/compress/4k", |bencher| {
        let mut encoder = compressing(&pool);
        bencher.iter(|| encoder.message(Data::Text(black_box(&text))).payload.len());
    });
    let message = Prepared::new(Data::Text(&text), &pool);
    let mut encoder = compressing(&pool);
    criterion.bench_function("websocket/prepared/4k", |bencher| {
        bencher.iter(|| encoder.prepared(black_box(&message)).len());
    });
}

criterion_group!(benches, websocket);
criterion_main!(benches);
