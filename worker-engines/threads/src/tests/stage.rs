//! The stage of the tests: an engine that runs, with a protocol of lines instead of HTTP, and its clients.

use std::io::{BufRead, BufReader, IoSlice, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use unicoro_contract::{
    AfterRead, AfterServe, Connection, Engine, EngineListener, Handler, Language, Pulse, Seat,
    Stop, StopState, Tempo, drain,
};

use crate::ThreadsEngine;

/// A test that waits longer than this has failed.
pub const PATIENCE: Duration = Duration::from_secs(5);
const TEMPO: Tempo = Tempo { idle: Some(PATIENCE), min_rate: 0 };

/// Lines: `bye` is answered and closed, `panic` panics, `wait` waits for the gate, `signals` tells
/// which are blocked, anything else is echoed and the connection kept.
pub struct Lines {
    idle: Duration,
    gate: (Mutex<bool>, Condvar),
    pub running: AtomicUsize,
    pub peak: AtomicUsize,
    pub threads: AtomicUsize,
    pub halves: AtomicUsize,
    pub beats: AtomicUsize,
}

impl Lines {
    pub fn open_gate(&self) {
        *self.gate.0.lock().unwrap() = true;
        self.gate.1.notify_all();
    }

    fn pass_gate(&self) {
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.peak.fetch_max(running, Ordering::SeqCst);
        let open = self.gate.0.lock().unwrap();
        drop(self.gate.1.wait_timeout_while(open, PATIENCE, |open| !*open).unwrap());
        self.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Handler for Lines {
    fn opened(&self, _: &Connection) -> Option<Instant> {
        Some(Instant::now() + self.idle)
    }

    fn read(&self, connection: &mut Connection) -> AfterRead {
        if connection.inbox.as_slice().contains(&b'\n') {
            return AfterRead::Serve;
        }
        self.halves.fetch_add(1, Ordering::SeqCst);
        let until = *connection.deadline.get_or_insert_with(|| Instant::now() + self.idle);
        AfterRead::Park { until: Some(until) }
    }

    fn expired(&self, _: &mut Connection) -> AfterRead {
        AfterRead::Close
    }

    fn serve(&self, connection: &mut Connection) -> AfterServe {
        connection.deadline = None;
        let bytes = connection.inbox.as_slice();
        let end = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let line = String::from_utf8(bytes[..end].to_vec()).unwrap();
        connection.inbox.consume(end);
        let answer = match line.trim() {
            "panic" => panic!("as the test asks"),
            "wait" => {
                self.pass_gate();
                line.clone()
            }
            "signals" => blocked_signals(),
            _ => line.clone(),
        };
        connection.stream.send_all(&mut [IoSlice::new(answer.as_bytes())], &TEMPO).unwrap();
        if line == "bye\n" {
            return AfterServe::Close;
        }
        AfterServe::Park { until: Some(Instant::now() + self.idle) }
    }

    fn preemption_points(&self) -> Range<usize> {
        0..0
    }
}

impl Language for Lines {
    fn on_engine_thread(&self, body: &mut dyn FnMut()) {
        self.threads.fetch_add(1, Ordering::SeqCst);
        body();
    }
}

pub fn blocked_signals() -> String {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("SigBlk:\t"));
    format!("{}\n", line.unwrap())
}

struct Beats(Arc<Lines>);

impl Pulse for Beats {
    fn beat(&self) {
        self.0.beats.fetch_add(1, Ordering::SeqCst);
    }
}

/// An engine that runs.
pub struct Running {
    pub address: SocketAddr,
    pub lines: Arc<Lines>,
    pub stop: Arc<Stop>,
    engine: Option<JoinHandle<()>>,
}

impl Running {
    pub fn start(threads: usize, worker_connections: usize, idle: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self::start_on(listener, Stop::new().unwrap(), threads, worker_connections, idle)
    }

    pub fn start_on(
        listener: TcpListener,
        stop: Stop,
        threads: usize,
        worker_connections: usize,
        idle: Duration,
    ) -> Self {
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let lines = Arc::new(Lines {
            idle,
            gate: Default::default(),
            running: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            threads: AtomicUsize::new(0),
            halves: AtomicUsize::new(0),
            beats: AtomicUsize::new(0),
        });
        let stop = Arc::new(stop);
        let seat = Seat {
            beat: Duration::from_secs(1),
            idle_grace: drain::GRACE,
            siblings: None,
            request_timeout: None,
            listeners: vec![EngineListener::new(OwnedFd::from(listener)).unwrap()],
            worker_connections,
            stop: Arc::clone(&stop),
            pulse: Arc::new(Beats(Arc::clone(&lines))),
        };
        let handler = Arc::clone(&lines);
        let engine = thread::spawn(move || {
            Box::new(ThreadsEngine::new(threads)).run(seat, handler).unwrap();
        });
        Self { address, lines, stop, engine: Some(engine) }
    }

    pub fn client(&self) -> Client {
        Client::connect(self.address)
    }

    /// `count` clients that have sent `wait`, the first `running` of which are being served.
    pub fn waiting(&self, count: usize, running: usize) -> Vec<Client> {
        let mut clients: Vec<_> = (0..count).map(|_| self.client()).collect();
        clients.iter_mut().for_each(|client| client.send("wait\n"));
        until(|| self.lines.running.load(Ordering::SeqCst) == running);
        clients
    }

    pub fn has_returned(&self) -> bool {
        self.engine.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.lines.open_gate();
        self.stop.ask(StopState::Quitting);
        let joined = self.engine.take().map_or(Ok(()), JoinHandle::join);
        assert!(thread::panicking() || joined.is_ok());
    }
}

pub struct Client(BufReader<TcpStream>);

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    pub fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    /// The next line; empty at the end of the stream.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line
    }

    pub fn ask(&mut self, text: &str) -> String {
        self.send(text);
        self.line()
    }

    pub fn is_closed(&mut self) -> bool {
        matches!(self.0.read(&mut [0]), Ok(0))
    }

    /// Whether nothing comes for a moment. Only ever makes a test pass that should not.
    pub fn is_silent(&mut self) -> bool {
        self.0.get_ref().set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let is_silent = self.0.fill_buf().is_err();
        self.0.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
        is_silent
    }
}

pub fn until(is_met: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_met() {
        assert!(Instant::now() < deadline, "not met in time");
        thread::sleep(Duration::from_millis(1));
    }
}
