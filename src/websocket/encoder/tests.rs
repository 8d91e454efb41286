//! Which frames a message becomes, compressed or not, and that a client reads it in them.

use std::sync::Arc;

use super::*;
use crate::websocket::client::{Deflate, agreed, read};
use crate::websocket::parameters::Parameters;
use crate::websocket::policy::Policy;
use crate::websocket::pool::Pool;

fn pool() -> Arc<Pool> {
    Arc::new(Pool::new(Policy { threshold: 10, ..Policy::default() }))
}

fn encoder(parameters: &Parameters, pool: &Arc<Pool>) -> Encoder {
    Encoder::new(Some(Deflater::new(parameters, pool)))
}

fn sent(encoder: &mut Encoder, data: Data) -> Vec<u8> {
    encoder.message(data).parts().concat()
}

/// Text that compresses well, and differs with `seed`.
fn text(seed: usize, len: usize) -> String {
    let words = ["alpha ", "beta ", "gamma ", "delta ", "price: ", "17.25; "];
    let mut text = String::new();
    let mut state = seed as u64 + 1;
    while text.len() < len {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        text.push_str(words[(state >> 33) as usize % words.len()]);
    }
    text.truncate(len);
    text
}

/// Bytes that do not compress.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..len).map(|_| next()).collect()
}

#[test]
fn a_message_is_one_frame_that_copies_nothing() {
    let mut encoder = Encoder::new(None);
    assert_eq!(sent(&mut encoder, Data::Text("Hello")), b"\x81\x05Hello");
    assert_eq!(sent(&mut encoder, Data::Binary(b"")), b"\x82\x00");
    let data = noise(70_000);
    let framed = encoder.message(Data::Binary(&data));
    assert!(matches!(framed.payload, Cow::Borrowed(payload) if payload.as_ptr() == data.as_ptr()));
    assert_eq!(read(&framed.parts().concat()), (0x82, &data[..]));
}

#[test]
fn the_first_frame_says_that_a_message_is_compressed() {
    // RFC 7692, 7.2.3.1: "Hello" is shorter as it is; with context takeover it is compressed anyway.
    let pool = Arc::new(Pool::new(Policy { threshold: 0, ..Policy::default() }));
    let mut encoder = encoder(&agreed(true, 15), &pool);
    let first = sent(&mut encoder, Data::Text("Hello"));
    assert_eq!(first, b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00");
    // 7.2.3.2: the second refers to the first.
    let second = sent(&mut encoder, Data::Text("Hello"));
    assert!(second.len() < first.len() && second[0] == 0xc1, "{}", second.escape_ascii());
    assert_eq!(sent(&mut encoder, Data::Text("")), b"\x81\x00");
}

#[test]
fn what_is_short_or_gets_no_shorter_is_sent_as_it_is() {
    let pool = pool();
    let mut encoder = encoder(&agreed(false, 15), &pool);
    assert_eq!(sent(&mut encoder, Data::Text("aaaaaaaaa"))[0], 0x81);
    assert_eq!(sent(&mut encoder, Data::Text("aaaaaaaaaa"))[0], 0xc1);
    let noise = noise(1000);
    let bytes = sent(&mut encoder, Data::Binary(&noise));
    assert_eq!(read(&bytes), (0x82, &noise[..]));
    let prepared = Prepared::new(Data::Binary(&noise), &pool);
    assert_eq!(encoder.prepared(&prepared), bytes);
}

#[test]
fn nothing_is_held_before_a_message_is_compressed_nor_behind_it_without_takeover() {
    let pool = pool();
    let holds = |encoder: &Encoder| encoder.deflater.as_ref().unwrap().has_state();
    let mut alone = encoder(&agreed(false, 15), &pool);
    let mut taking_over = encoder(&agreed(true, 15), &pool);
    for encoder in [&mut alone, &mut taking_over] {
        sent(encoder, Data::Text("short"));
        assert!(!holds(encoder));
        sent(encoder, Data::Text(&text(1, 100)));
    }
    assert!(!holds(&alone));
    assert!(holds(&taking_over));
    taking_over.prepared(&Prepared::new(Data::Text(&text(1, 100)), &pool));
    assert!(!holds(&taking_over));
    assert!(size_of::<Encoder>() <= 200, "{} bytes", size_of::<Encoder>());
}

/// Every order of messages of one's own and of messages for many, long ones and short ones.
#[test]
fn a_client_reads_every_message_whatever_was_agreed_on() {
    let pool = pool();
    let prepared: Vec<(String, Prepared)> = [5, 200, 3000, 70_000]
        .into_iter()
        .map(|len| (text(len, len), Prepared::new(Data::Text(&text(len, len)), &pool)))
        .collect();
    for (has_takeover, bits) in
        [false, true].into_iter().flat_map(|has| (9..=15).map(move |bits| (has, bits)))
    {
        let parameters = agreed(has_takeover, bits);
        let mut client = Deflate::new(parameters);
        let mut encoder = encoder(&parameters, &pool);
        let mut state = 7u64;
        for turn in 0..60 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let choice = (state >> 40) as usize;
            let (expected, bytes) = if choice.is_multiple_of(3) {
                let (text, message) = &prepared[choice / 3 % prepared.len()];
                (text.clone(), encoder.prepared(message).to_vec())
            } else {
                // Of a few texts, so that later ones would gladly refer to earlier ones.
                let text = text(choice % 5, [8, 60, 700, 5000, 40_000][choice / 3 % 5]);
                let bytes = sent(&mut encoder, Data::Text(&text));
                (text, bytes)
            };
            let (found, is_compressed) = client.receive(&bytes, expected.len());
            assert!(found == expected.as_bytes(), "turn {turn}, {bits} bits, {has_takeover}");
            assert_eq!(is_compressed, expected.len() >= 10, "{}", expected.len());
        }
    }
}

#[test]
fn a_message_for_many_is_compressed_once_for_each_window() {
    let pool = pool();
    let text = text(3, 5000);
    let message = Prepared::new(Data::Text(&text), &pool);
    let mut first = encoder(&agreed(false, 15), &pool);
    let mut second = encoder(&agreed(true, 15), &pool);
    let mut small = encoder(&agreed(true, 9), &pool);
    let frame = first.prepared(&message).as_ptr();
    assert_eq!(second.prepared(&message).as_ptr(), frame);
    assert_ne!(small.prepared(&message).as_ptr(), frame);
    let plain = Encoder::new(None).prepared(&message).to_vec();
    assert_eq!(read(&plain), (0x81, text.as_bytes()));
}

#[test]
fn a_compressor_of_the_pool_refers_to_no_other_clients_message() {
    let pool = pool();
    let parameters = agreed(false, 15);
    let mut first = encoder(&parameters, &pool);
    let mut second = encoder(&parameters, &pool);
    let text = text(3, 500);
    let frame = sent(&mut first, Data::Text(&text));
    assert_eq!(sent(&mut second, Data::Text(&text)), frame);
    assert_eq!(sent(&mut first, Data::Text(&text)), frame);
}
