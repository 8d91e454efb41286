//! The sending and receiving ends of a client's socket, for whoever serves it.
//!
//! Calls here look blocking and are not: they try, and when the socket is not ready they ask the
//! engine's [`Waiter`], which blocks a thread, or parks a green thread. The rule that a reader would
//! break: no lock may be held across a call that can wait.

mod living_on;
mod sending;

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use unicoro_sys::{socket, tcp};

use crate::held_answer::HeldAnswer;
use crate::patience::Patience;
use crate::{GivenUp, Inbox, Interest, Pace, Tempo, Upgraded, is_forked_child};

/// How an engine lets its caller wait for a socket.
pub trait Waiter: Sync {
    /// Waits until the stream is ready, or broken; false when `until` came first.
    ///
    /// # Errors
    /// The socket cannot be waited for.
    fn wait(&self, stream: &Stream, interest: Interest, until: Option<Instant>)
    -> io::Result<bool>;

    /// Takes the whole answer to a request that began at `began`, to send it in a moment together with
    /// others.
    ///
    /// # Errors
    /// The answer, which is to be sent at once.
    fn hold(
        &self,
        stream: &Arc<Stream>,
        answer: Vec<u8>,
        began: Instant,
        tempo: &Tempo,
    ) -> Result<(), Vec<u8>> {
        let _ = (stream, began, tempo);
        Err(answer)
    }

    /// Sends what is held, if anything is.
    fn let_go(&self) {}

    /// As [`Waiter::wait`], for a connection that was upgraded: any number may wait for it at once, and a
    /// wait may end early, with false. It ends at [`Stream::stir`], or within [`STEP`] behind that; at once,
    /// if the stream has been stirred since it counted `seen`.
    ///
    /// # Errors
    /// As [`Waiter::wait`].
    fn wait_a_while(
        &self,
        stream: &Stream,
        interest: Interest,
        until: Option<Instant>,
        seen: u32,
    ) -> io::Result<bool> {
        wait_a_step(stream, interest, until, seen)
    }

    /// Ends the waits for an upgraded connection, where they would not end by themselves.
    fn stir(&self, stream: &Arc<Stream>) {
        let _ = stream;
    }

    /// Whether [`Upgraded::turn`] is called whenever there is room to send, or bytes have come that nobody
    /// waits for; and whether nothing comes that [`Stream::may_be_readable`] does not tell of.
    fn tells_upgraded(&self) -> bool {
        false
    }
}

/// How long an OS thread waits for an upgraded connection before it looks whether anything has happened
/// to it. poll(2) hears of the socket only.
pub const STEP: Duration = Duration::from_secs(1);

/// [`Waiter::wait_a_while`] of an OS thread.
///
/// # Errors
/// poll(2).
pub fn wait_a_step(
    stream: &Stream,
    interest: Interest,
    until: Option<Instant>,
    seen: u32,
) -> io::Result<bool> {
    if stream.stirs() != seen {
        return Ok(false);
    }
    let step = Instant::now() + STEP;
    wait_blocking(stream, interest, Some(until.map_or(step, |until| until.min(step))))
}

/// Waits by blocking the OS thread: for engines without green threads, and for an application's own
/// thread that reads its input in one that has them. As [`Waiter::wait`].
///
/// # Errors
/// poll(2).
pub fn wait_blocking(
    stream: &Stream,
    interest: Interest,
    until: Option<Instant>,
) -> io::Result<bool> {
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        if socket::wait(stream.as_fd(), interest == Interest::Write, left)? {
            return Ok(true);
        }
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(false);
        }
    }
}

/// The waiter of engines without green threads: [`wait_blocking`].
#[derive(Debug)]
pub struct BlockingWaiter;

impl Waiter for BlockingWaiter {
    fn wait(
        &self,
        stream: &Stream,
        interest: Interest,
        until: Option<Instant>,
    ) -> io::Result<bool> {
        wait_blocking(stream, interest, until)
    }
}

/// What one receive gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// That many bytes.
    Bytes(usize),
    /// Nothing now.
    Nothing,
    /// The client will send no more.
    End,
}

/// A client's socket. When the last owner drops it, it is closed for the client as well: a child that
/// the application has forked may keep a copy of the descriptor for as long as it lives, and a close
/// alone would be none. A shutdown does to the client what a close does (what was sent still arrives,
/// then the end; what it sends from then on is answered by a reset), and costs a system call.
///
/// Rejected: to do it only once a fork was noticed. A thread that closes while another forks would
/// find out too late, and what forks by a system call of its own is never noticed.
pub struct Stream {
    fd: OwnedFd,
    key: usize,
    waiter: &'static dyn Waiter,
    // The application has a descriptor of its own for it.
    is_shared: AtomicBool,
    // Edge-triggered engines learn of readiness once; these remember it until it is used up. They
    // are atomics because the engine's thread notes what the thread of a request uses up.
    readable: AtomicBool,
    hung_up: AtomicBool,
    response: AtomicU8,
    moved: AtomicU64,
    patience: Patience,
    // Of what it takes of its responses; touched only around a wait.
    pace: Mutex<Pace>,
    // By the engine.
    held: HeldAnswer,
    // What it has become, if it speaks no HTTP any more.
    upgraded: OnceLock<Arc<dyn Upgraded>>,
    // How often those that wait for it were made to look.
    stirs: AtomicU32,
}

impl Stream {
    /// Wraps an accepted, non-blocking socket; `key` is the engine's own mark.
    #[must_use]
    pub fn new(fd: OwnedFd, key: usize, waiter: &'static dyn Waiter) -> Self {
        Self {
            fd,
            key,
            waiter,
            is_shared: AtomicBool::new(false),
            readable: AtomicBool::new(true),
            hung_up: AtomicBool::new(false),
            response: AtomicU8::new(NOT_BEGUN),
            moved: AtomicU64::new(0),
            patience: Patience::default(),
            pace: Mutex::default(),
            held: HeldAnswer::default(),
            upgraded: OnceLock::new(),
            stirs: AtomicU32::new(0),
        }
    }

    /// The engine's mark.
    #[must_use]
    pub fn key(&self) -> usize {
        self.key
    }

    /// The application takes a descriptor of its own, and may keep the connection longer than we do. What is
    /// still to be sent goes before all that it sends: may wait for the client.
    ///
    /// # Errors
    /// As [`Stream::send_unsent`].
    pub fn share(&self) -> io::Result<()> {
        // First: from here on nothing is held, or it is seen below.
        self.is_shared.store(true, Ordering::SeqCst);
        self.send_unsent().map(drop)
    }

    /// Whether it has taken one.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.is_shared.load(Ordering::SeqCst)
    }

    /// The engine was told that bytes have come, or (`hung_up`) that no more will.
    pub fn note_readable(&self, hung_up: bool) {
        self.readable.store(true, Ordering::SeqCst);
        if hung_up {
            self.hung_up.store(true, Ordering::Relaxed);
        }
    }

    /// Whether a receive may give something; false means that the engine's next event will tell.
    #[must_use]
    pub fn may_be_readable(&self) -> bool {
        self.readable.load(Ordering::Relaxed) || self.hung_up.load(Ordering::Relaxed)
    }

    /// Whether the client has closed its sending end (a hang-up that the engine has seen).
    #[must_use]
    pub fn is_hung_up(&self) -> bool {
        self.hung_up.load(Ordering::Relaxed)
    }

    /// Whether the client has closed its sending end, or broken the connection, asked of the kernel
    /// if the engine has not seen it yet. One that only says that it has nothing more to send
    /// (shutdown(2)) looks the same.
    #[must_use]
    pub fn has_client_left(&self) -> bool {
        self.is_hung_up() || socket::is_hung_up(self.fd.as_fd())
    }

    /// A request begins: nobody has answered it.
    pub fn expect_response(&self) {
        self.response.store(NOT_BEGUN, Ordering::Relaxed);
    }

    /// The application begins its response. False: too late, it was answered as overdue.
    #[must_use]
    pub fn begin_response(&self) -> bool {
        self.claim(BEGUN)
    }

    /// The client has all of the response, and may ask again: nothing more of it is sent.
    pub fn end_response(&self) {
        // But not if the request was answered as overdue meanwhile.
        let relaxed = Ordering::Relaxed;
        let _ = self.response.compare_exchange(BEGUN, ENDED, relaxed, relaxed);
    }

    /// Whether the client has all of it, and may ask again.
    #[must_use]
    pub fn has_ended_response(&self) -> bool {
        self.response.load(Ordering::Relaxed) == ENDED
    }

    /// The request is overdue. True: nothing was answered yet, and nobody else will.
    #[must_use]
    pub fn take_response(&self) -> bool {
        self.claim(TAKEN)
    }

    /// Whether the application has begun its response.
    #[must_use]
    pub fn has_begun_response(&self) -> bool {
        matches!(self.response.load(Ordering::Relaxed), BEGUN | ENDED)
    }

    fn claim(&self, state: u8) -> bool {
        let claimed =
            self.response.compare_exchange(NOT_BEGUN, state, Ordering::Relaxed, Ordering::Relaxed);
        claimed.is_ok() || claimed == Err(state)
    }

    /// Sends what fits without waiting, and then neither sends nor receives any more: the last word
    /// to a client whose request is given up.
    pub fn part(&self, last_word: &[u8]) {
        self.let_go();
        if !last_word.is_empty() {
            // A client that does not take a few hundred bytes now has left or is stuck.
            drop(socket::send(self.fd.as_fd(), &[IoSlice::new(last_word)]));
        }
        socket::shutdown_both(self.fd.as_fd());
    }

    /// How long the client was waited for in all since it last made progress; `None` when nobody
    /// waits for it right now. See [`crate::room`].
    #[must_use]
    pub fn stalled_for(&self, now: Instant) -> Option<Duration> {
        self.patience.spent(now, self.progress())
    }

    /// Gives the client up for another: who waits for it is woken, and every wait fails from now on.
    pub fn evict(&self) {
        self.let_go();
        self.patience.evict();
        socket::shutdown_both(self.fd.as_fd());
    }

    fn count(&self, bytes: usize) {
        self.moved.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Bytes that the client has sent, and has taken of what was sent to it. What only the kernel has
    /// taken is no progress of the client's: that may be megabytes, and room comes in lumps.
    #[must_use]
    pub fn progress(&self) -> u64 {
        let untaken = tcp::untaken(self.fd.as_fd());
        self.moved.load(Ordering::Relaxed).saturating_sub(untaken)
    }

    /// The client was waited for, for as long as `waited`, to take what is sent to it. False: it takes too
    /// little.
    #[must_use]
    pub fn keeps_pace(&self, tempo: &Tempo, waited: Duration) -> bool {
        let progress = self.progress();
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        pace.keeps(tempo, waited, progress)
    }

    /// Receives once, without waiting.
    ///
    /// # Errors
    /// recv(2): the connection is broken.
    pub fn receive(&self, inbox: &mut Inbox) -> io::Result<Received> {
        let room = inbox.room();
        let asked = room.capacity() - room.len();
        // Before the call: another thread may be told of bytes that come right after it, and its
        // note must outlive this one.
        self.readable.store(false, Ordering::SeqCst);
        loop {
            return match socket::receive(self.fd.as_fd(), room) {
                Ok(0) => Ok(Received::End),
                Ok(count) => {
                    // Less than asked for: the socket is empty (epoll(7), Q&A 9); no second call
                    // is needed to learn it.
                    if count == asked {
                        self.readable.store(true, Ordering::SeqCst);
                    }
                    self.count(count);
                    Ok(Received::Bytes(count))
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Received::Nothing),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
        }
    }

    /// Receives, waiting up to `idle` for the first byte.
    ///
    /// # Errors
    /// recv(2), or [`GivenUp`].
    pub fn receive_wait(&self, inbox: &mut Inbox, idle: Option<Duration>) -> io::Result<Received> {
        let until = idle.map(|idle| Instant::now() + idle);
        loop {
            match self.receive(inbox)? {
                Received::Nothing if self.wait(Interest::Read, until)? => {}
                Received::Nothing => return Err(GivenUp::Idle.into()),
                received => return Ok(received),
            }
        }
    }

    /// False: `until` came first.
    fn wait(&self, interest: Interest, until: Option<Instant>) -> io::Result<bool> {
        if !self.patience.begin(Instant::now(), self.progress()) {
            return Err(GivenUp::Evicted.into());
        }
        let is_ready = self.waiter.wait(self, interest, until);
        if !self.patience.end(Instant::now()) {
            return Err(GivenUp::Evicted.into());
        }
        is_ready
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // In a forked child it is a copy: the connection is the parent's.
        if !self.is_shared() && !is_forked_child() {
            socket::shutdown_both(self.fd.as_fd());
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Stream {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

// Whose the response to the current request is.
const NOT_BEGUN: u8 = 0;
const BEGUN: u8 = 1;
const TAKEN: u8 = 2;
const ENDED: u8 = 3;
