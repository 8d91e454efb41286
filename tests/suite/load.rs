//! Clients in the background that ask again and again, and remember every answer that was not 200.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::client::get_and_close;
use crate::wait::{self, PATIENCE};

pub struct Load {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    is_over: AtomicBool,
    answered: AtomicUsize,
    failed: AtomicUsize,
}

impl Load {
    /// `clients` threads, each asking for `path` on a new connection every time.
    pub fn start(address: SocketAddr, clients: usize, path: &'static str) -> Load {
        let shared = Arc::new(Shared::default());
        let ask = |shared: Arc<Shared>| {
            move || {
                while !shared.is_over.load(Ordering::Relaxed) {
                    let counter =
                        if ask_once(address, path) { &shared.answered } else { &shared.failed };
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            }
        };
        let threads = (0..clients).map(|_| thread::spawn(ask(Arc::clone(&shared)))).collect();
        Load { shared, threads }
    }

    pub fn answered(&self) -> usize {
        self.shared.answered.load(Ordering::Relaxed)
    }

    /// Until this many more requests have been answered.
    pub fn wait_for_answers(&self, count: usize) {
        let goal = self.answered() + count;
        wait::until_true("the load to be answered", || self.answered() >= goal);
    }

    /// Ends the load and returns how many requests were answered and how many failed.
    pub fn finish(self) -> (usize, usize) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("the clients do not panic");
        }
        let failed = self.shared.failed.load(Ordering::Relaxed);
        (self.shared.answered.load(Ordering::Relaxed), failed)
    }
}

/// Whether a whole 200 came; a refused or reset connection is an answer of its own kind: no.
fn ask_once(address: SocketAddr, path: &str) -> bool {
    let exchange = || {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(get_and_close(path).as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok::<_, std::io::Error>(answer.starts_with(b"HTTP/1.1 200 "))
    };
    exchange().unwrap_or(false)
}
