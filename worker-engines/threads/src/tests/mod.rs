//! What the engine keeps, over real sockets, with a protocol of lines instead of HTTP.

mod stage;

use std::net::{TcpListener, TcpStream};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use unicoro_contract::{Stop, StopState};

use self::stage::{Client, PATIENCE, Running, blocked_signals, until};

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
