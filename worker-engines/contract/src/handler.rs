//! What an engine asks of the protocol, and of the language that the application is written in.

use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::{Connection, CurrentRequest, Language, Stream};

/// What becomes of a connection after bytes have come.
#[derive(Debug, PartialEq, Eq)]
pub enum AfterRead {
    /// More bytes are needed; `expired` is called when `until` passes first.
    Park {
        /// The deadline, if there is one.
        until: Option<Instant>,
    },
    /// A request is there, whole enough: call `serve`.
    Serve,
    /// Close the connection.
    Close,
}

/// What becomes of a connection after a request was served.
#[derive(Debug, PartialEq, Eq)]
pub enum AfterServe {
    /// It waits for its next request.
    Park {
        /// The deadline, if there is one.
        until: Option<Instant>,
    },
    /// Close the connection.
    Close,
}

/// The signal on which a thread prints its stack (the language's crash handler does). An engine
/// leaves it open on the threads that run the application. Real-time, so that no application's
/// own handler is in the way; the first two belong to glibc.
#[must_use]
pub fn stack_signal() -> i32 {
    libc::SIGRTMIN() + 5
}

/// A scheduler that does not switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// The scheduler stands still.
    Since {
        /// For how long so far.
        age: Duration,
        /// The OS thread with the scheduler's role, by the number of gettid(2).
        thread: i32,
        /// The green thread that runs, by its `pthread_self()`.
        identity: usize,
        /// What that green thread does with the language's lock.
        grip: Grip,
        /// Whether another OS thread could go on in its place.
        has_spare_carrier: bool,
    },
    /// The scheduler goes on.
    Over {
        /// How long it stood still.
        lasted: Duration,
    },
}

/// What a green thread does with the language's lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grip {
    /// The green thread does not have the language's lock.
    None,
    /// The green thread has the language's lock.
    Has,
    /// The green thread has the lock, and has been asked for it in vain.
    Keeps,
    /// Another one keeps it while it is parked, for a lock that a third has.
    KeptParked,
}

/// A green thread that keeps the language's lock and waits for another one, which cannot run before
/// it gives that lock up.
#[derive(Debug)]
pub struct Deadlock {
    /// What it waits for: "mutex".
    pub what: &'static str,
    /// Who waits.
    pub waiter: Party,
    /// Who has the lock that is waited for.
    pub holder: Party,
}

/// A green thread in a deadlock.
#[derive(Debug)]
pub struct Party {
    /// The request that it serves.
    pub request: Option<Arc<CurrentRequest>>,
    /// Its `pthread_self()`.
    pub identity: usize,
}

/// The protocol, and behind it the application. One object serves all connections of a worker. What
/// has a body here is asked by engines of green threads only.
pub trait Handler: Language + Send + Sync {
    /// A connection was accepted: when to give up if nothing comes.
    fn opened(&self, connection: &Connection) -> Option<Instant>;

    /// Bytes have come. Runs on the engine's own thread: it must not block or run the application.
    fn read(&self, connection: &mut Connection) -> AfterRead;

    /// The deadline of a `Park` has passed. Under the same rule as `read`.
    fn expired(&self, connection: &mut Connection) -> AfterRead;

    /// Whether serving what `read` has found would begin with a wait for more from the client. Under
    /// the same rule as `read`; asked by an engine whose threads are all taken.
    fn would_wait(&self, connection: &Connection) -> bool {
        let _ = connection;
        false
    }

    /// From now on clients wait for room, or none do any more: an answer that parts with its client
    /// makes some. Under the same rule as `read`.
    fn crowded(&self, is_crowded: bool) {
        let _ = is_crowded;
    }

    /// By and by, within a second at most: looks after connections that were upgraded ([`Upgraded`]), and
    /// after the stop. Under the same rule as `read`.
    ///
    /// [`Upgraded`]: crate::Upgraded
    fn tend(&self, now: Instant) {
        let _ = now;
    }

    /// Connections that were left ([`Connection::is_left`]) for which there is something to do that no event
    /// tells of: those that are parked are to be read. Asked behind `tend`; who adds one wakes the engine by
    /// its [`Stop`](crate::Stop). Under the same rule as `read`.
    fn roused(&self) -> Vec<Arc<Stream>> {
        Vec::new()
    }

    /// Serves one request; may wait through the connection's stream, and inside the application. Of a connection
    /// that is parted with ([`Connection::is_parting`]), sends what is left of its last answer.
    fn serve(&self, connection: &mut Connection) -> AfterServe;

    /// Whether there is a resident: a green thread of the handler's own, which lives in
    /// [`reside`](Self::reside) and serves many requests at once. Asked once, before anything is served.
    fn has_resident(&self) -> bool {
        false
    }

    /// Hands a request to the resident, which gives its connection back by
    /// [`tell_engine`](crate::tell_engine). Under the same rule as `read`.
    ///
    /// # Errors
    /// It is not for the resident: the connection, for `serve`.
    fn hand_over(&self, connection: Box<Connection>) -> Result<(), Box<Connection>> {
        Err(connection)
    }

    /// What the resident watches for has come for the one of this number, or may have.
    /// Under the same rule as `read`.
    fn ready(&self, number: u64) {
        let _ = number;
    }

    /// The life of the resident, in its green thread. It ends after `dismiss`, when all is done that it
    /// has begun.
    fn reside(&self) {}

    /// No client is left at the end of the worker: the resident is to end, at once if the worker `quits`.
    /// Under the same rule as `read`; called until it has.
    fn dismiss(&self, quits: bool) {
        let _ = quits;
    }

    /// Takes the interpreter's lock away from whoever computes under it, and gives it back as soon as
    /// `until` is true, or after a moment; then `otherwise` is called before. Called on an engine's OS
    /// thread.
    fn take_lock(&self, until: &dyn Fn() -> bool, otherwise: &dyn Fn()) {
        let _ = (until, otherwise);
    }

    /// A request has taken longer than it may: answers its client in the application's place if
    /// nothing was answered yet. Called on the scheduler's thread, outside any green thread.
    fn overdue(&self, request: Option<&CurrentRequest>, stream: &Stream) {
        let _ = (request, stream);
    }

    /// Its green thread does not wait: takes the interpreter's lock for a moment, by another thread,
    /// and has the exception raised in those that compute ([`Language::set_computing`]). Called on
    /// the scheduler's thread, which does not wait for it.
    fn interrupt_computing(&self) {}

    /// That request has ended: no exception may be left for the next. Called in the green thread.
    fn overdue_ended(&self, identity: usize) {
        let _ = identity;
    }

    /// Green threads have not been switched for a while: says so to the operator. Called on the main
    /// thread.
    fn blocked(&self, blocked: &Blocked) {
        let _ = blocked;
    }

    /// Two green threads wait for each other for good: says so to the operator, before the engine ends
    /// the process by `abort`. Called in the one that waits, which has the language's lock.
    fn deadlocked(&self, deadlock: &Deadlock) {
        log::error!("a deadlock: {deadlock:?}");
    }

    /// On the main thread, again and again while green threads run: waits at most this long, until
    /// `stir`, or until a turn is due.
    fn main_thread_pause(&self, at_most: Duration) {
        std::thread::sleep(at_most);
    }

    /// Called on the main thread by and by, at each beat at least where nothing stands still: what the
    /// language leaves to that thread is done (the application's signal handlers).
    fn main_thread_turn(&self) {}

    /// A descriptor that is readable when such a turn is due, until it is taken: for an engine that
    /// waits on the main thread itself.
    fn turn_is_due(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// Ends a pause of the main thread, or the next one. From any thread.
    fn stir(&self) {}

    /// Addresses of the language's interpreter lock: a wait for its condition variables is a point of
    /// preemption, and none for the lock itself is one of a green thread.
    fn preemption_points(&self) -> Range<usize>;
}

/// Serves one request; a panic costs the request and its connection, not the worker.
pub fn serve_caught(handler: &dyn Handler, connection: &mut Connection) -> AfterServe {
    let serve = AssertUnwindSafe(|| handler.serve(connection));
    catch_unwind(serve).unwrap_or_else(|_| {
        log::error!("a bug in unicoro: a request was lost to a panic, see above; please report it");
        AfterServe::Close
    })
}
