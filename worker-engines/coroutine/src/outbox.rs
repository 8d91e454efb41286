//! Where answers are held that leave together (see [`Outbox`]).
//!
//! They leave when no other request waits to be served, when the green thread that serves them leaves
//! the processor, and when they are due. If it does none of that in time, because a request computes or
//! keeps the interpreter lock, the sender takes them: an OS thread that needs only the sockets.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use unicoro_contract::{Outbox, Put, Stream, Tempo, is_forked_child};
use unicoro_sys::alarm_clock::AlarmClock;

use crate::bell;

/// The sender takes what has been held for this long. It is later than a batch is due and one more short
/// request has ended, so that it sleeps on while all goes well, and wakes in time for 2 ms.
const PROMISE: Duration = Duration::from_micros(1700);

/// What a request may take whose answer is held: for longer ones the gain is small beside their own
/// time.
const SHORT: Duration = Duration::from_micros(500);

static OUTBOX: Outbox = Outbox::new();
/// Streams whose clients have not taken all of what was held for them.
static STUCK: Mutex<Vec<Arc<Stream>>> = Mutex::new(Vec::new());
/// Whether there is one.
static HAS_SENDER: AtomicBool = AtomicBool::new(false);
/// Where the sender sleeps; without one nothing is held.
static CLOCK: OnceLock<AlarmClock> = OnceLock::new();

/// Answers may be held from now on.
///
/// # Errors
/// No descriptor, or no thread.
pub fn start() -> io::Result<()> {
    let clock = AlarmClock::new()?;
    thread::Builder::new().name("sender".into()).spawn(|| {
        let clock = CLOCK.wait();
        loop {
            let slept = clock.sleep();
            send();
            if let Err(error) = slept {
                return lose_sender(&error);
            }
        }
    })?;
    // Set once: a process has one scheduler.
    drop(CLOCK.set(clock));
    HAS_SENDER.store(true, Ordering::SeqCst);
    Ok(())
}

/// Holds an answer, if it is of a request that was short; by who has the scheduler's role, while other
/// requests wait.
///
/// # Errors
/// The answer, to be sent at once.
pub fn hold(
    stream: &Arc<Stream>,
    answer: Vec<u8>,
    began: Instant,
    tempo: &Tempo,
) -> Result<(), Vec<u8>> {
    let now = Instant::now();
    let is_short = now.duration_since(began) <= SHORT;
    let may_hold = is_short && HAS_SENDER.load(Ordering::Relaxed) && !is_forked_child();
    let Some(clock) = CLOCK.get().filter(|_| may_hold) else {
        return Err(answer);
    };
    match OUTBOX.put(stream, answer, tempo, now)? {
        Put::First => {
            if let Err(error) = clock.set(PROMISE) {
                lose_sender(&error);
                send();
            }
        }
        Put::Beside => {}
        Put::Due => send(),
    }
    Ok(())
}

/// The application has closed the clock's descriptor, which is none of its own.
fn lose_sender(error: &io::Error) {
    if HAS_SENDER.swap(false, Ordering::SeqCst) {
        log::error!("short answers are sent one by one from now on: the sender's clock: {error}");
    }
}

/// Whether anything may be held.
pub fn has_some() -> bool {
    OUTBOX.has_some()
}

/// Sends what is held. From any thread.
pub fn send() {
    OUTBOX.send(&mut keep_stuck);
}

fn keep_stuck(stream: Arc<Stream>) {
    STUCK.lock().unwrap_or_else(PoisonError::into_inner).push(stream);
    bell::ring();
}

/// Sends what is held, because the process ends. From anywhere, a signal's handler too.
pub fn send_last() {
    OUTBOX.send_last();
}

/// Sends what is held, and has other threads send what they have taken: another program may begin. If it does
/// not, what clients have not taken is sent later.
pub fn empty() {
    OUTBOX.empty(&mut keep_stuck);
}

/// Streams that have got stuck since it was asked last: what is left must be waited for.
pub fn take_stuck() -> Vec<Arc<Stream>> {
    std::mem::take(&mut *STUCK.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Whether all that was held has been sent, or is left to who serves its connection. By who has the
/// scheduler's role.
pub fn is_done() -> bool {
    let is_stuck = || !STUCK.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
    OUTBOX.is_done() && !is_stuck()
}
