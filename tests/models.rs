//! The fuzz targets' models of the rules (fuzz/src) against `unicoro::http`: the seeds, and a fixed
//! number of inputs made from them by a generator that begins the same each time. What CI runs; the
//! long runs are libFuzzer's (fuzz/README.md).
#![allow(clippy::unwrap_used, reason = "this crate is nothing but tests")]

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

use unicoro::http;

#[path = "../fuzz/src/body.rs"]
mod body;
#[path = "../fuzz/src/head.rs"]
mod head;
#[path = "../fuzz/src/proxy.rs"]
mod proxy;

/// Inputs made for each target: some seconds in a debug build.
const INPUTS: usize = 100_000;

/// Words that a random byte would never make.
const WORDS: [&[u8]; 18] = [
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

#[test]
fn heads_are_read_as_the_model_reads_them() {
    run("head", head::check);
}

#[test]
fn bodies_end_where_the_model_says() {
    run("body", body::check);
}

#[test]
fn proxy_headers_are_read_as_the_model_reads_them() {
    run("proxy", proxy::check);
}

fn run(target: &str, check: fn(&[u8])) {
    let seeds = seeds(target);
    seeds.iter().for_each(|seed| check(seed));
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..INPUTS {
        let mut input = random.one_of(&seeds).clone();
        for _ in 0..=random.below(3) {
            mutate(&mut input, &seeds, &mut random);
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

fn mutate(input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let at = random.below(input.len() + 1);
    let end = (at + random.below(8)).min(input.len());
    match random.below(6) {
        0 if at < input.len() => input[at] = random.next() as u8,
        1 if at < input.len() => input[at] ^= 0x20,
        2 => drop(input.drain(at..end)),
        3 => {
            let word = *random.one_of(&WORDS);
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
