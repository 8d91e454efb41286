//! 64 answers that leave one by one, and together: to unix sockets whose clients read nothing meanwhile.
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench")]

use std::io::{IoSlice, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Instant;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use unicoro_contract::{BlockingWaiter, Outbox, Put, Stream, Tempo};

const CLIENTS: usize = 64;
const ANSWER: &[u8] = &[b'x'; 160];

fn batch(criterion: &mut Criterion) {
    let pairs: Vec<_> = (0..CLIENTS).map(|_| UnixStream::pair().unwrap()).collect();
    let (mut streams, mut clients) = (Vec::new(), Vec::new());
    for (ours, client) in pairs {
        ours.set_nonblocking(true).unwrap();
        streams.push(Arc::new(Stream::new(ours.into(), 0, &BlockingWaiter)));
        clients.push(client);
    }
    let mut read_all = || {
        for client in &mut clients {
            client.set_nonblocking(true).unwrap();
            while client.read(&mut [0; 4096]).is_ok_and(|count| count > 0) {}
        }
    };
    criterion.bench_function("batch/one_by_one", |bencher| {
        let send = |()| {
            for stream in &streams {
                stream.send_all(&mut [IoSlice::new(ANSWER)], &Tempo::default()).unwrap();
            }
        };
        bencher.iter_batched(&mut read_all, send, BatchSize::PerIteration);
    });
    criterion.bench_function("batch/together", |bencher| {
        let (outbox, tempo) = (Outbox::new(), Tempo::default());
        let send = |()| {
            let now = Instant::now();
            for stream in &streams {
                if outbox.put(stream, ANSWER.to_vec(), &tempo, now) == Ok(Put::Due) {
                    outbox.send(&mut |_| panic!("a client has room"));
                }
            }
            outbox.send(&mut |_| panic!("a client has room"));
        };
        bencher.iter_batched(&mut read_all, send, BatchSize::PerIteration);
    });
}

criterion_group!(benches, batch);
criterion_main!(benches);
