//! A worker that is full: who must go, who may come.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use unicoro_contract::{
    AfterServe, BlockingWaiter, EngineListener, Language, Outbox, Pulse, Stop, Tempo, room,
};

use super::*;

/// Lines, and nothing of them is answered.
#[derive(Default)]
pub(super) struct Lines {
    is_crowded: AtomicBool,
}

impl Handler for Lines {
    fn opened(&self, _: &Connection) -> Option<Instant> {
        None
    }

    fn read(&self, connection: &mut Connection) -> AfterRead {
        let is_whole = connection.inbox.as_slice().ends_with(b"\n");
        if is_whole { AfterRead::Serve } else { AfterRead::Park { until: None } }
    }

    fn expired(&self, _: &mut Connection) -> AfterRead {
        AfterRead::Close
    }

    fn crowded(&self, is_crowded: bool) {
        self.is_crowded.store(is_crowded, Ordering::Relaxed);
    }

    fn serve(&self, _: &mut Connection) -> AfterServe {
        AfterServe::Close
    }

    fn preemption_points(&self) -> Range<usize> {
        0..0
    }
}

impl Language for Lines {
    fn on_engine_thread(&self, body: &mut dyn FnMut()) {
        body();
    }
}

struct NoPulse;

impl Pulse for NoPulse {
    fn beat(&self) {}
}

/// Of a worker alone with its listener.
pub(super) fn seat(listener: TcpListener) -> Seat {
    Seat {
        listeners: vec![EngineListener::new(listener.into()).unwrap()],
        siblings: None,
        worker_connections: 1000,
        request_timeout: None,
        idle_grace: drain::GRACE,
        stop: Arc::new(Stop::new().unwrap()),
        beat: Duration::from_secs(1),
        pulse: Arc::new(NoPulse),
    }
}

pub(super) fn clients(seat: Seat, lines: &Arc<Lines>) -> Clients<()> {
    let handler = Arc::clone(lines);
    Clients::new(seat, handler, &BlockingWaiter, Epoll::add_receiver).unwrap()
}

/// A worker of two clients, which have been served and are kept, and a third that waits. Nobody
/// takes events: what has come since is seen by a look only.
struct Full {
    clients: Clients<()>,
    lines: Arc<Lines>,
    kept: [TcpStream; 2],
    third: TcpStream,
    sibling: TcpListener,
}

impl Full {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let sibling = listener.try_clone().unwrap();
        let lines = Arc::new(Lines::default());
        let seat = Seat { worker_connections: 2, ..seat(listener) };
        let mut clients = clients(seat, &lines);
        let connect = || TcpStream::connect(address).unwrap();
        let kept = [(); 2].map(|()| {
            let mut client = connect();
            client.write_all(b"line\n").unwrap();
            clients.accept(0);
            client
        });
        let now = Instant::now();
        while let Some(mut connection) = clients.next_ready() {
            connection.inbox.consume(usize::MAX);
            connection.is_kept = true;
            clients.rest(connection, None, now);
        }
        Self { clients, lines, kept, third: connect(), sibling }
    }

    /// Looks as if so much time had passed.
    fn look(&mut self, later: Duration) {
        self.clients.look_after(Instant::now() + later);
    }

    fn is_crowded(&self) -> bool {
        self.lines.is_crowded.load(Ordering::Relaxed)
    }
}

/// Whether the server has closed, at once.
fn is_closed(client: &mut TcpStream) -> bool {
    client.set_nonblocking(true).unwrap();
    matches!(client.read(&mut [0]), Ok(0))
}

#[test]
fn clients_that_are_kept_are_closed_only_after_an_answer_could_have_parted_with_them() {
    let mut full = Full::new();
    assert!(full.clients.is_full() && !full.is_crowded());
    full.look(2 * room::KEPT_ENOUGH);
    assert!(full.is_crowded());
    assert!(!full.kept.iter_mut().any(is_closed));
    full.look(4 * room::KEPT_ENOUGH);
    assert!(is_closed(&mut full.kept[0]) && !is_closed(&mut full.kept[1]));
    assert!(full.clients.is_full() && !full.is_crowded());
}

#[test]
fn who_was_served_just_now_is_not_closed_for_another() {
    let mut full = Full::new();
    full.look(room::KEPT_ENOUGH / 2);
    full.look(room::KEPT_ENOUGH * 3 / 4);
    assert!(full.is_crowded() && !full.kept.iter_mut().any(is_closed));
}

#[test]
fn a_close_for_another_races_no_request_that_has_come() {
    let mut full = Full::new();
    full.look(2 * room::KEPT_ENOUGH);
    full.kept[0].write_all(b"line\n").unwrap();
    full.kept[1].write_all(b"li").unwrap();
    full.look(4 * room::KEPT_ENOUGH);
    assert!(!full.kept.iter_mut().any(is_closed));
    let mut ready = Vec::new();
    while let Some(connection) = full.clients.next_ready() {
        ready.push((connection.stream.key(), connection.inbox.as_slice().to_vec()));
    }
    assert_eq!(ready, [(0, b"line\n".to_vec())]);
    drop(full.third);
}

#[test]
fn a_client_is_served_again_until_it_has_taken_its_answer() {
    const LONG: usize = 8 << 20;
    let mut full = Full::new();
    let connection = full.clients.lot.take(0).unwrap();
    let stream = Arc::clone(&connection.stream);
    full.clients.rest(connection, None, Instant::now());
    let outbox = Outbox::new();
    outbox.put(&stream, vec![0; LONG], &Tempo::default(), Instant::now()).unwrap();
    outbox.send(&mut drop);
    full.clients.resume(&stream);
    assert!(full.clients.has_ready());
    let connection = full.clients.next_ready().unwrap();
    assert!(Arc::ptr_eq(&connection.stream, &stream));
    full.clients.resume(&stream);
    assert!(!full.clients.has_ready());
    let mut client = full.kept[0].try_clone().unwrap();
    let reader = std::thread::spawn(move || client.read_exact(&mut vec![0; LONG]).unwrap());
    assert!(stream.send_unsent().unwrap());
    reader.join().unwrap();
    full.clients.rest(connection, None, Instant::now());
    full.clients.resume(&stream);
    assert!(!full.clients.has_ready());
    let connection = full.clients.lot.take(0).unwrap();
    full.clients.close(connection);
    full.clients.resume(&stream);
    assert!(!full.clients.has_ready() && full.clients.connected() == 1);
}

#[test]
fn a_client_that_is_parted_with_counts_until_it_has_its_answer() {
    const LONG: usize = 8 << 20;
    let mut full = Full::new();
    let connection = full.clients.lot.take(0).unwrap();
    let stream = Arc::clone(&connection.stream);
    let outbox = Outbox::new();
    outbox.put(&stream, vec![0; LONG], &Tempo::default(), Instant::now()).unwrap();
    outbox.send(&mut drop);
    full.clients.close(connection);
    assert_eq!(full.clients.connected(), 2);
    let connection = full.clients.next_ready().unwrap();
    let mut client = full.kept[0].try_clone().unwrap();
    let reader = std::thread::spawn(move || client.read_exact(&mut vec![0; LONG]).unwrap());
    assert!(stream.send_unsent().unwrap());
    reader.join().unwrap();
    full.clients.close(connection);
    assert!(!full.clients.has_ready() && full.clients.connected() == 1);
}

#[test]
fn a_crowd_is_over_when_a_sibling_has_taken_who_waited() {
    let mut full = Full::new();
    full.look(room::KEPT_ENOUGH / 2);
    assert!(full.is_crowded());
    let _theirs = full.sibling.accept().unwrap();
    // One of the kept leaves by itself.
    let connection = full.clients.lot.take(0).unwrap();
    full.clients.close(connection);
    full.look(room::KEPT_ENOUGH);
    assert!(!full.clients.is_full() && !full.is_crowded());
}
