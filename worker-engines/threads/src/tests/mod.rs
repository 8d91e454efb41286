//! The engine over real sockets, with a protocol of lines instead of HTTP, and no application.

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
const PATIENCE: Duration = Duration::from_secs(5);
const TEMPO: Tempo = Tempo { idle: Some(PATIENCE), min_rate: 0 };

/// Lines: `bye` is answered and closed, `panic` panics, `wait` waits for the gate, `signals` tells
/// which are blocked, anything else is echoed and the connection kept.
struct Lines {
    idle: Duration,
    gate: (Mutex<bool>, Condvar),
    running: AtomicUsize,
    peak: AtomicUsize,
    threads: AtomicUsize,
    halves: AtomicUsize,
    beats: AtomicUsize,
}

impl Lines {
    fn open_gate(&self) {
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

fn blocked_signals() -> String {
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
struct Running {
    address: SocketAddr,
    lines: Arc<Lines>,
    stop: Arc<Stop>,
    engine: Option<JoinHandle<()>>,
}

impl Running {
    fn start(threads: usize, worker_connections: usize, idle: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self::start_on(listener, Stop::new().unwrap(), threads, worker_connections, idle)
    }

    fn start_on(
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
            has_siblings: true,
            request_timeout: None,
            listeners: vec![EngineListener::new(OwnedFd::from(listener), true).unwrap()],
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

    fn client(&self) -> Client {
        Client::connect(self.address)
    }

    /// `count` clients that have sent `wait`, the first `running` of which are being served.
    fn waiting(&self, count: usize, running: usize) -> Vec<Client> {
        let mut clients: Vec<_> = (0..count).map(|_| self.client()).collect();
        clients.iter_mut().for_each(|client| client.send("wait\n"));
        until(|| self.lines.running.load(Ordering::SeqCst) == running);
        clients
    }

    fn has_returned(&self) -> bool {
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

struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    /// The next line; empty at the end of the stream.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line
    }

    fn ask(&mut self, text: &str) -> String {
        self.send(text);
        self.line()
    }

    fn is_closed(&mut self) -> bool {
        matches!(self.0.read(&mut [0]), Ok(0))
    }

    /// Whether nothing comes for a moment. Only ever makes a test pass that should not.
    fn is_silent(&mut self) -> bool {
        self.0.get_ref().set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let is_silent = self.0.fill_buf().is_err();
        self.0.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
        is_silent
    }
}

fn until(is_met: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_met() {
        assert!(Instant::now() < deadline, "not met in time");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn half_a_head_holds_no_thread() {
    let engine = Running::start(1, 100, PATIENCE);
    let mut halves: Vec<_> = (0..5).map(|_| engine.client()).collect();
    halves.iter_mut().for_each(|client| client.send("ha"));
    assert_eq!(engine.client().ask("whole\n"), "whole\n");
    for half in &mut halves {
        assert_eq!(half.ask("lf\n"), "half\n");
    }
}

#[test]
fn idle_connections_hold_no_thread_and_are_served_again() {
    let engine = Running::start(1, 100, PATIENCE);
    let mut clients: Vec<_> = (0..5).map(|_| engine.client()).collect();
    for _ in 0..3 {
        for client in &mut clients {
            assert_eq!(client.ask("hello\n"), "hello\n");
        }
    }
    assert_eq!(engine.lines.threads.load(Ordering::SeqCst), 1);
}

#[test]
fn as_many_requests_run_at_once_as_there_are_threads_and_the_next_waits() {
    let engine = Running::start(3, 100, PATIENCE);
    let mut clients = engine.waiting(4, 3);
    engine.lines.open_gate();
    for client in &mut clients {
        assert_eq!(client.line(), "wait\n");
    }
    assert_eq!(engine.lines.peak.load(Ordering::SeqCst), 3);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let engine = Running::start(4, 100, PATIENCE);
    let mut client = engine.client();
    client.send("one\ntwo\nthree\nfour");
    for expected in ["one\n", "two\n", "three\n"] {
        assert_eq!(client.line(), expected);
    }
    assert_eq!(client.ask("\n"), "four\n");
}

#[test]
fn a_request_that_comes_during_another_of_its_connection_is_served() {
    let engine = Running::start(1, 100, PATIENCE);
    let mut clients = engine.waiting(1, 1);
    clients[0].send("next\n");
    engine.lines.open_gate();
    assert_eq!(clients[0].line(), "wait\n");
    assert_eq!(clients[0].line(), "next\n");
}

#[test]
fn a_drain_answers_what_has_come_and_parts_with_idle_connections() {
    let engine = Running::start(2, 100, PATIENCE);
    let mut idle = engine.client();
    assert_eq!(idle.ask("hello\n"), "hello\n");
    let mut clients = engine.waiting(6, 2);
    // It comes after the six: when the poller has seen it, it has seen them.
    let mut half = engine.client();
    half.send("ha");
    until(|| engine.lines.halves.load(Ordering::SeqCst) == 1);
    engine.stop.ask(StopState::Draining);
    assert!(idle.is_closed());
    assert!(half.is_closed());
    assert!(!engine.has_returned());
    engine.lines.open_gate();
    for client in &mut clients {
        assert_eq!(client.line(), "wait\n");
        assert!(client.is_closed());
    }
    until(|| engine.has_returned());
}

#[test]
fn a_drain_answers_the_next_request_of_who_was_served_just_now() {
    let engine = Running::start(2, 100, PATIENCE);
    let mut kept = engine.client();
    assert_eq!(kept.ask("hello\n"), "hello\n");
    engine.stop.ask(StopState::Draining);
    // The listener is closed when the drain has begun.
    until(|| TcpStream::connect_timeout(&engine.address, PATIENCE / 50).is_err());
    assert_eq!(kept.ask("again\n"), "again\n");
    assert!(kept.is_closed());
    until(|| engine.has_returned());
}

#[test]
fn a_drain_answers_who_waits_in_the_listen_queue() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut clients: Vec<_> = (0..5).map(|_| Client::connect(address)).collect();
    clients.iter_mut().for_each(|client| client.send("hello\n"));
    let stop = Stop::new().unwrap();
    stop.ask(StopState::Draining);
    let engine = Running::start_on(listener, stop, 2, 100, PATIENCE);
    for client in &mut clients {
        assert_eq!(client.line(), "hello\n");
        assert!(client.is_closed());
    }
    until(|| engine.has_returned());
}

#[test]
fn a_quick_stop_waits_for_nothing() {
    let engine = Running::start(1, 100, PATIENCE);
    let _clients = engine.waiting(2, 1);
    engine.stop.ask(StopState::Quitting);
    until(|| engine.has_returned());
}

#[test]
fn a_full_worker_accepts_again_when_a_client_leaves() {
    let engine = Running::start(2, 2, PATIENCE);
    let mut first = engine.client();
    let mut second = engine.client();
    assert_eq!(first.ask("1\n"), "1\n");
    assert_eq!(second.ask("2\n"), "2\n");
    let mut third = engine.client();
    third.send("3\n");
    assert!(third.is_silent());
    let began = Instant::now();
    assert_eq!(first.ask("bye\n"), "bye\n");
    assert_eq!(third.line(), "3\n");
    assert!(began.elapsed() < Duration::from_millis(500), "the poller slept on");
    assert_eq!(second.ask("2\n"), "2\n");
}

#[test]
fn a_connection_is_closed_at_its_deadline() {
    let engine = Running::start(1, 100, Duration::from_millis(300));
    let (mut silent, mut half, mut kept) = (engine.client(), engine.client(), engine.client());
    half.send("ha");
    assert_eq!(kept.ask("hello\n"), "hello\n");
    assert!(silent.is_closed() && half.is_closed() && kept.is_closed());
}

#[test]
fn a_panic_costs_the_connection_and_no_thread() {
    let engine = Running::start(1, 100, PATIENCE);
    for _ in 0..3 {
        let mut client = engine.client();
        client.send("panic\n");
        assert!(client.is_closed());
    }
    assert_eq!(engine.client().ask("still\n"), "still\n");
}

#[test]
fn the_heart_beats_while_all_threads_are_busy() {
    let engine = Running::start(1, 100, PATIENCE);
    let _clients = engine.waiting(2, 1);
    let before = engine.lines.beats.load(Ordering::SeqCst);
    until(|| engine.lines.beats.load(Ordering::SeqCst) > before + 1);
}

#[test]
fn what_the_pool_starts_has_the_signal_mask_of_who_started_the_pool() {
    let own = blocked_signals();
    let engine = Running::start(1, 100, PATIENCE);
    assert_eq!(engine.client().ask("signals\n"), own);
}
