//! The fuzz targets' models of the rules (fuzz/src) against `unicoro`: the seeds, and a fixed
//! number of inputs made from them by a generator that begins the same each time. What CI runs; the
//! long runs are libFuzzer's (fuzz/README.md).
#![allow(clippy::unwrap_used, reason = "this crate is nothing but tests")]

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

use unicoro::{http, websocket};

#[path = "../fuzz/src/body.rs"]
mod body;
#[path = "../fuzz/src/deflate.rs"]
mod deflate;
#[path = "../fuzz/src/frames.rs"]
mod frames;
#[path = "../fuzz/src/head.rs"]
mod head;
#[path = "../fuzz/src/proxy.rs"]
mod proxy;

/// Inputs made for each target: some seconds in a debug build.
const INPUTS: usize = 100_000;

/// As many for what is slower to check.
const FEWER_INPUTS: usize = 5_000;

/// Words of HTTP that a random byte would never make.
const WORDS: &[&[u8]] = &[
    b"\xc3\xa9",
    b"7",
    b"\r\n",
    b"\r\n\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b":",
    b";a=\"b\"",
    b"0\r\n\r\n",
    b"Host: x\r\n",
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: close\r\n",
    b"HTTP/1.0",
    b"PROXY UNKNOWN\r\n",
    b"\r\n\r\n\0\r\nQUIT\n",
];

/// Frames with a key of zeros, which leaves what a mutation makes as it is, and pieces of text and deflate.
const FRAMES: &[&[u8]] = &[
    b"\x81\x80\0\0\0\0",
    b"\x01\x80\0\0\0\0",
    b"\x00\x81\0\0\0\0a",
    b"\x80\x81\0\0\0\0a",
    b"\x82\xfe\0\x02\0\0\0\0ab",
    b"\x02\xff\0\0\0\0\0\0\0\x01\0\0\0\0a",
    b"\x82\xfe\x01\x2c\0\0\0\0",
    b"\x89\x82\0\0\0\0hi",
    b"\x8a\x80\0\0\0\0",
    b"\x88\x82\0\0\0\0\x03\xe8",
    b"\xc3\xa9",
    b"\xed\xa0\x80",
    b"\xf4\x8f\xbf\xbf",
    b"\xf4\x90",
    b"\0\0\xff\xff",
    b"\x03\0",
];

#[test]
fn heads_are_read_as_the_model_reads_them() {
    run("head", INPUTS, WORDS, head::check);
}

#[test]
fn bodies_end_where_the_model_says() {
    run("body", INPUTS, WORDS, body::check);
}

#[test]
fn proxy_headers_are_read_as_the_model_reads_them() {
    run("proxy", INPUTS, WORDS, proxy::check);
}

#[test]
fn frames_are_read_as_tungstenite_reads_them() {
    run("frames", INPUTS, FRAMES, frames::check);
}

#[test]
fn compressed_messages_are_read_by_both_sides() {
    run("deflate", FEWER_INPUTS, FRAMES, deflate::check);
}

fn run(target: &str, inputs: usize, words: &[&[u8]], check: fn(&[u8])) {
    let seeds = seeds(target);
    seeds.iter().for_each(|seed| check(seed));
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..inputs {
        let mut input = random.one_of(&seeds).clone();
        for _ in 0..=random.below(3) {
            mutate(&mut input, (&seeds, words), &mut random);
        }
        let outcome = catch_unwind(|| check(&input));
        assert!(outcome.is_ok(), "{target}: {}", input.escape_ascii());
    }
}

/// In the order of their names: the run must be the same everywhere.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut paths: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    // Not those that a fuzzer has left here: their names are hashes.
    paths.retain(|path| path.file_name().unwrap().len() < 40);
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn mutate(input: &mut Vec<u8>, (seeds, words): (&[Vec<u8>], &[&[u8]]), random: &mut Random) {
    let at = random.below(input.len() + 1);
    let end = (at + random.below(8)).min(input.len());
    match random.below(6) {
        0 if at < input.len() => input[at] = random.next() as u8,
        1 if at < input.len() => input[at] ^= 0x20,
        2 => drop(input.drain(at..end)),
        3 => {
            let word = *random.one_of(words);
            input.splice(at..at, word.iter().copied());
        }
        4 => {
            let copy = input[at..end].to_vec();
            input.splice(at..at, copy);
        }
        _ => {
            let other = random.one_of(seeds);
            let from = random.below(other.len() + 1);
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
    }
}

/// xorshift64 (Marsaglia 2003).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn one_of<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        &items[self.below(items.len())]
    }
}
