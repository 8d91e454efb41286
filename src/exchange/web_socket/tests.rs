use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};

use unicoro_contract::{Waiter, wait_a_step, wait_blocking};

use super::*;

/// An engine in which something happens between the look for a message and the wait for it.
struct Late;

static BETWEEN: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(None);
static IS_TOLD: AtomicBool = AtomicBool::new(false);

impl Waiter for Late {
    fn wait(
        &self,
        stream: &Stream,
        interest: Interest,
        until: Option<Instant>,
    ) -> std::io::Result<bool> {
        wait_blocking(stream, interest, until)
    }

    fn wait_a_while(
        &self,
        stream: &Stream,
        interest: Interest,
        until: Option<Instant>,
        seen: u32,
    ) -> std::io::Result<bool> {
        if let Some(between) = BETWEEN.lock().unwrap().take() {
            between();
            IS_TOLD.store(stream.stirs() != seen, Ordering::Relaxed);
        }
        wait_a_step(stream, interest, until, seen)
    }
}

#[test]
fn who_receives_is_told_of_a_message_that_another_has_taken_in() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let stream = Arc::new(Stream::new(ours.into(), 0, &Late));
    let terms = Arc::new(Terms::patient(100));
    let socket = Arc::new(WebSocket::new(&stream, &terms, None, b""));
    let other = Arc::clone(&socket);
    *BETWEEN.lock().unwrap() = Some(Box::new(move || {
        // Masked, "a" and "b".
        theirs.write_all(b"\x81\x81\0\0\0\0a\x81\x81\0\0\0\0b").unwrap();
        assert_eq!(other.receive(None, &|_| ()).unwrap().data, b"a");
        // The connection stays open.
        std::mem::forget(theirs);
    }));
    assert_eq!(socket.receive(None, &|_| ()).unwrap().data, b"b");
    assert!(IS_TOLD.load(Ordering::Relaxed));
}
