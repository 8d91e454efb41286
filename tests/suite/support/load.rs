//! Clients in the background that ask again and again, and remember every answer that was not 200.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::support::client::{get_and_close, get_request};
use crate::support::wait::{self, PATIENCE, uninterrupted};

/// How often what may lose a request is repeated: `SUITE_LONG` makes it a hundred times.
pub fn rounds(short: usize) -> usize {
    if std::env::var_os("SUITE_LONG").is_some() { 100 } else { short }
}

pub struct Load {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// What has become of the requests.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Connections that were not made: nothing was sent.
    pub refused: usize,
    /// Requests that were sent and not answered by a 200, and what came instead.
    pub lost: Vec<String>,
    /// The longest time from the connect to the whole answer.
    pub longest: Duration,
}

#[derive(Default)]
struct Shared {
    is_over: AtomicBool,
    answered: AtomicUsize,
    tally: Mutex<Tally>,
}

impl Load {
    /// `clients` threads, each asking for `path` on a new connection every time.
    pub fn start(address: SocketAddr, clients: usize, path: &'static str) -> Load {
        Load::of((0..clients).map(|_| Visitor::new(address, path, false)))
    }

    /// The same, but every other client keeps its connection for as long as the server does.
    pub fn start_mixed(address: SocketAddr, clients: usize, path: &'static str) -> Load {
        Load::of((0..clients).map(|number| Visitor::new(address, path, number % 2 == 0)))
    }

    fn of(visitors: impl Iterator<Item = Visitor>) -> Load {
        let shared = Arc::new(Shared::default());
        let come = |mut visitor: Visitor| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                while !shared.is_over.load(Ordering::Relaxed) {
                    visitor.ask(&shared);
                }
            })
        };
        let threads = visitors.map(come).collect();
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

    /// What has become of the requests so far, from which on the longest time counts anew.
    pub fn tally(&self) -> Tally {
        let mut tally = self.shared.tally.lock().unwrap();
        let so_far = tally.clone();
        tally.longest = Duration::ZERO;
        so_far
    }

    /// Ends the load and returns how many requests were answered and how many failed.
    pub fn finish(self) -> (usize, usize) {
        let (answered, tally) = self.end();
        (answered, tally.refused + tally.lost.len())
    }

    /// Ends the load; none of its requests may have failed.
    pub fn finish_without_loss(self) {
        let (answered, Tally { refused, lost, .. }) = self.end();
        let failed = refused + lost.len();
        assert!(failed == 0, "{refused} refused, {answered} answered, lost: {lost:?}");
    }

    /// Ends the load; connections may have been refused, but no request that was sent is lost.
    pub fn finish_refused(self) {
        let (answered, Tally { lost, .. }) = self.end();
        assert!(lost.is_empty(), "{answered} answered, lost: {lost:?}");
    }

    /// Ends the load: how many requests were answered, and what became of the others.
    pub fn end(self) -> (usize, Tally) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("the clients do not panic");
        }
        let tally = self.shared.tally.lock().unwrap().clone();
        (self.shared.answered.load(Ordering::Relaxed), tally)
    }
}

/// One client.
struct Visitor {
    address: SocketAddr,
    path: &'static str,
    keeps: bool,
    kept: Option<TcpStream>,
}

impl Visitor {
    fn new(address: SocketAddr, path: &'static str, keeps: bool) -> Visitor {
        Visitor { address, path, keeps, kept: None }
    }

    fn ask(&mut self, shared: &Shared) {
        let began = Instant::now();
        let Ok(stream) = self.connection() else {
            shared.tally.lock().unwrap().refused += 1;
            // Whoever is refused comes again later: the machine is not for connects alone.
            return thread::sleep(Duration::from_millis(1));
        };
        let connected = began.elapsed();
        match self.exchange(stream) {
            Ok(()) => {
                shared.answered.fetch_add(1, Ordering::Relaxed);
                let mut tally = shared.tally.lock().unwrap();
                tally.longest = tally.longest.max(began.elapsed());
            }
            // With times: a client that the machine holds up may come when its connection is closed.
            Err(why) => {
                let whole = began.elapsed();
                let why = format!("{why}, after {whole:?}, of which {connected:?} to connect");
                shared.tally.lock().unwrap().lost.push(why);
            }
        }
    }

    /// The kept one, unless it has been closed meanwhile: every client that keeps connections looks
    /// before it sends.
    fn connection(&mut self) -> io::Result<TcpStream> {
        if let Some(kept) = self.kept.take().filter(is_open) {
            return Ok(kept);
        }
        let stream = TcpStream::connect_timeout(&self.address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn exchange(&mut self, mut stream: TcpStream) -> Result<(), String> {
        let how = if self.keeps { "kept" } else { "new" };
        let request = if self.keeps { get_request(self.path) } else { get_and_close(self.path) };
        let began = Instant::now();
        stream.write_all(request.as_bytes()).map_err(|error| format!("{how}: {error}"))?;
        let sent = began.elapsed();
        let head = read_answer(&mut stream)
            .map_err(|error| format!("{how}: {error}, sent in {sent:?}"))?;
        if !head.starts_with("HTTP/1.1 200 ") {
            return Err(format!("{how}: {head}"));
        }
        if self.keeps && !head.to_ascii_lowercase().contains("\r\nconnection: close") {
            self.kept = Some(stream);
        }
        Ok(())
    }
}

fn is_open(stream: &TcpStream) -> bool {
    let look = || {
        stream.set_nonblocking(true)?;
        let seen = stream.peek(&mut [0]);
        stream.set_nonblocking(false)?;
        seen
    };
    look().is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

/// Reads one answer with a Content-Length to its end and returns its head.
fn read_answer(stream: &mut TcpStream) -> io::Result<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let lower = head.to_ascii_lowercase();
            let length = lower
                .split_once("content-length:")
                .and_then(|(_, rest)| rest.split("\r\n").next()?.trim().parse::<usize>().ok());
            if length.is_some_and(|length| body.len() >= length) {
                return Ok(head.to_owned());
            }
        }
        let mut chunk = [0; 4096];
        match uninterrupted(|| stream.read(&mut chunk))? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            count => bytes.extend_from_slice(&chunk[..count]),
        }
    }
}
