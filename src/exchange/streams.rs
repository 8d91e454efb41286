//! The streams of a worker: responses whose pieces come by and by from the application, and their end with the
//! worker's.
//!
//! ```text
//!   the worker ends ──┬──► those that end by themselves
//!                     └ grace ► the others, as if their clients had left
//! ```
//!
//! A response that was given as a whole, or whose length is known, is none, however long its client takes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use unicoro_contract::{Stop, StopState, Stream, is_forked_child};

/// All of a worker.
pub struct Streams {
    grace: Duration,
    stop: Arc<Stop>,
    open: Mutex<Open>,
    have_ended: AtomicBool,
}

#[derive(Default)]
struct Open {
    /// By their addresses.
    streams: HashMap<usize, Weak<Stream>>,
    /// Since when the worker ends.
    ending: Option<Instant>,
}

impl Streams {
    /// None yet. They go on for `grace` when the worker is asked to `stop`.
    pub fn new(grace: Duration, stop: Arc<Stop>) -> Self {
        let (open, have_ended) = (Mutex::default(), AtomicBool::new(false));
        Self { grace, stop, open, have_ended }
    }

    /// The response on this connection, which may become one.
    pub fn response(&self, stream: &Arc<Stream>) -> Streaming<'_> {
        let stream = Arc::clone(stream);
        Streaming { streams: self, stream, has_begun: false, is_late: false }
    }

    /// Ends them when it is time. By and by; never waits.
    pub fn tend(&self, now: Instant) {
        if self.stop.state() == StopState::Running
            || self.have_ended.load(Ordering::Relaxed)
            || is_forked_child()
        {
            return;
        }
        let mut open = self.lock();
        let count = open.streams.len();
        if open.ending.is_none() && count > 0 && !self.grace.is_zero() {
            let grace = self.grace.as_secs_f64();
            let (are, they) = if count == 1 { (" is", "it") } else { ("s are", "they") };
            log::info!("{count} stream{are} open; {they} may go on for {grace} s");
        }
        let since = *open.ending.get_or_insert(now);
        if now.saturating_duration_since(since) < self.grace {
            return;
        }
        self.have_ended.store(true, Ordering::Relaxed);
        let streams = open.streams.values().filter_map(Weak::upgrade);
        // Whoever waits for a client wakes; who waits for something else finds out with his next piece.
        streams.for_each(|stream| stream.part(b""));
        if count > 0 {
            let are = if count == 1 { " is" } else { "s are" };
            log::info!("{count} stream{are} cut off: the worker ends");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A response that may be a stream.
pub struct Streaming<'s> {
    streams: &'s Streams,
    stream: Arc<Stream>,
    has_begun: bool,
    // Begun when the others had been cut off: how long the worker waits for requests bounds it.
    is_late: bool,
}

impl Streaming<'_> {
    /// A piece is about to be sent, and others are to come. False: the worker ends, and nothing more is sent.
    pub fn goes_on(&mut self) -> bool {
        if !std::mem::replace(&mut self.has_begun, true) {
            self.is_late = self.streams.have_ended.load(Ordering::Relaxed);
            let entry = (self.name(), Arc::downgrade(&self.stream));
            self.streams.lock().streams.extend([entry]);
        }
        // Where the engine looks after nobody while the application runs.
        if self.streams.stop.state() != StopState::Running {
            self.streams.tend(Instant::now());
        }
        !self.has_ended()
    }

    /// Whether it was ended.
    pub fn has_ended(&self) -> bool {
        self.has_begun && !self.is_late && self.streams.have_ended.load(Ordering::Relaxed)
    }

    fn name(&self) -> usize {
        Arc::as_ptr(&self.stream) as usize
    }
}

impl Drop for Streaming<'_> {
    fn drop(&mut self) {
        if self.has_begun && !is_forked_child() {
            self.streams.lock().streams.remove(&self.name());
        }
    }
}
