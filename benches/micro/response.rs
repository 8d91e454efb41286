//! The head of a response, from an application's fields to bytes.
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use unicoro::http::{Encoder, Manner, RequestFacts, Version};

const FIELDS: [(&[u8], &[u8]); 2] =
    [(b"Content-Type", b"text/html; charset=utf-8"), (b"Content-Length", b"13")];

fn response(criterion: &mut Criterion) {
    let facts = RequestFacts {
        version: Version::Http11,
        is_head: false,
        keep_alive: true,
        takes_trailers: false,
        manner: Manner::Gunicorn,
    };
    let (date, mut out) = ("Sun, 06 Nov 1994 08:49:37 GMT", Vec::with_capacity(512));
    criterion.bench_function("response/head", |bencher| {
        bencher.iter(|| {
            out.clear();
            let fields = black_box(FIELDS).into_iter();
            Encoder::new(facts).head(b"200 OK", fields, date, &mut out).unwrap();
            out.len()
        });
    });
}

criterion_group!(benches, response);
criterion_main!(benches);
