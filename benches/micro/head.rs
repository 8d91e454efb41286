//! A request's head: where it ends, and what it says; a small one and a browser's.
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use unicoro::http::{Limits, parse, scan};

const SMALL: &str = "GET / HTTP/1.1\r\nHost: localhost:8000\r\n\r\n";

const BROWSER: &str = "GET /shop/list?page=2&sort=price HTTP/1.1\r\nHost: www.example.com\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
    Accept-Language: en-GB,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n\
    Referer: https://www.example.com/shop/list?page=1&sort=price\r\nDNT: 1\r\n\
    Cookie: session=eyJfcGVybWFuZW50Ijp0cnVlLCJ1c2VyX2lkIjo0Mn0.aQ; csrftoken=0123456789abcdef\r\n\
    Connection: keep-alive\r\nUpgrade-Insecure-Requests: 1\r\nSec-Fetch-Dest: document\r\n\
    Sec-Fetch-Mode: navigate\r\nSec-Fetch-Site: same-origin\r\nPriority: u=0, i\r\n\r\n";

fn head(criterion: &mut Criterion) {
    let limits = Limits::default();
    for (name, bytes) in [("small", SMALL.as_bytes()), ("browser", BROWSER.as_bytes())] {
        criterion.bench_function(&format!("head/scan/{name}"), |bencher| {
            bencher.iter(|| scan(black_box(bytes), &mut 0, &limits).unwrap());
        });
        criterion.bench_function(&format!("head/parse/{name}"), |bencher| {
            bencher.iter(|| parse(black_box(bytes), &limits).unwrap().keep_alive);
        });
    }
}

criterion_group!(benches, head);
criterion_main!(benches);
