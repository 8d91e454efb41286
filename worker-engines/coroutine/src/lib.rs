//! `-k coroutine`: thousands of requests of one worker, as green threads. One of them runs at a time;
//! beside it only those that are in C code without the GIL (see `scheduler`).
//!
//! The application's blocking calls park the green thread that makes them (see `interposed`); client
//! connections between two requests are parked without a green thread (see [`unicoro_reactor::Clients`]).
//!
//! ```text
//!   main thread          carriers (may's workers), one with the role     may's timer thread
//!   loads the app,       reactor ◄──yield──► green workers               never used
//!   takes signals        (reactor.rs)        (green/)
//! ```

// The modules stand in layer order: each names only those above it (tests/layers).

mod error;

// About one thread, or one number, and nothing else.
mod arenas;
mod bell;
mod caller;
mod contenders;
mod errno;
mod float;
mod fork;
mod patience;
mod progress;
mod role;
mod room;
mod shutdown;
mod signals;
mod stack;
mod stirred;

mod thread_block;
mod watched;

// Who runs.
mod scheduler;

// Who waits, and for what.
mod wait;

mod crew;
mod deadline;
mod descriptors;
mod words;

mod held;
mod outbox;
mod resident;

// The engine's state, and the green threads that share it.
mod core;

mod green;

// What green threads do to each other, and what is done for them.
mod child;
mod deadlock;
mod errands;
mod overflow;
mod preemption;
mod waiter;
mod wake;

mod keeper;
mod watchdog;

// What turns it all.
mod reactor;

// The door for the application.
mod interposed;

use std::num::NonZeroUsize;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use unicoro_contract::{Engine, Handler, Refusal, Seat, hear_resident_by};

use unicoro_sys::shortage::Explained;

use crate::core::{Core, Shared};
use crate::error::{EngineError, StartError};
use crate::reactor::Reactor;
use crate::waiter::{ParkingWaiter, hear_resident};

pub use interposed::{Bypass, Count, bypassed, counts, find_endings};

/// The engine of `-k coroutine`.
#[derive(Clone, Copy, Debug)]
pub struct CoroutineEngine {
    /// The stack of a green thread, in bytes: a multiple of 4096.
    pub stack_bytes: usize,
    /// How long a green thread may compute before it gives way; `None`: for ever.
    pub switch_interval: Option<Duration>,
    /// OS threads that green threads may run on: with more than one, C code that computes without the
    /// interpreter lock does not stop the others.
    pub carriers: usize,
    /// The most requests in progress at once; the others wait without a green thread. `None`: no bound.
    pub most_at_once: Option<NonZeroUsize>,
    /// How long the scheduler may stand still before the log names the cause; `None`: for ever.
    pub blocked_after: Option<Duration>,
}

impl Engine for CoroutineEngine {
    fn check(&self) -> Result<(), Refusal> {
        let check = || {
            interposed::check()?;
            stack::check_limit(self.stack_bytes)
        };
        check().map_err(|error: EngineError| Refusal(error.into()))
    }

    fn run(self: Box<Self>, seat: Seat, handler: Arc<dyn Handler>) -> Result<(), Refusal> {
        self.serve(seat, &handler).map_err(|error| Refusal(error.into()))
    }
}

impl CoroutineEngine {
    fn serve(self, seat: Seat, handler: &Arc<dyn Handler>) -> Result<(), EngineError> {
        warn_of_bypasses();
        interposed::set_preemption_points(&handler.preemption_points());
        interposed::find_allocator();
        interposed::find_own_code();
        interposed::use_first();
        interposed::remember_main_thread();
        child::watch();
        overflow::remember();
        arenas::limit();
        Ok(self.start_and_watch(seat, handler)?)
    }

    /// Starts the scheduler and watches it to its end.
    fn start_and_watch(self, seat: Seat, handler: &Arc<dyn Handler>) -> Result<(), StartError> {
        let (began, beginning) = mpsc::channel();
        let (done, end) = mpsc::channel();
        let shared = Arc::clone(handler);
        let first = move || match self.set_up(seat, &shared) {
            Err(error) => drop(began.send(Err(error))),
            Ok(core) => {
                let core = Shared(core);
                for index in 1..core.0.queue.carriers() {
                    let done = done.clone();
                    if let Err(error) =
                        scheduler::on_carrier(index, move || carry(core, index, &done))
                    {
                        log::warn!(
                            "a carrier could not be started, so this worker has one less: {}",
                            Explained(&error)
                        );
                    }
                }
                core.0.seat.pulse.begins();
                drop(began.send(Ok(core)));
                carry(core, 0, &done);
            }
        };
        signals::blocked(|| scheduler::start(self.stack_bytes, self.carriers.max(1), first))?;
        let core = beginning.recv().map_err(|_| StartError::Panicked)??;
        let ended = watchdog::watch(&end, self.blocked_after, &**handler, core);
        log_calls();
        ended.ok_or(StartError::Panicked)
    }

    /// Sets the engine up, in its first coroutine.
    fn set_up(self, seat: Seat, handler: &Arc<dyn Handler>) -> Result<&'static Core, StartError> {
        stack::prepare(self.stack_bytes)?;
        thread_block::prepare()?;
        overflow::install();
        let carriers = self.carriers.max(1);
        let core = Core::new(
            seat,
            Arc::clone(handler),
            &ParkingWaiter,
            self.stack_bytes,
            carriers,
            self.most_at_once,
        )?;
        let core: &'static Core = Box::leak(Box::new(core));
        hear_resident_by(hear_resident);
        if let Some(slice) = self.switch_interval
            && let Err(error) = preemption::start(slice, Arc::clone(handler), Shared(core))
        {
            let error = Explained(&error);
            log::warn!("no preemption, so a request that computes will delay the others: {error}");
        }
        if let Err(error) = outbox::start() {
            let error = Explained(&error);
            log::warn!("short answers are sent one by one, not together: {error}");
        }
        Ok(core)
    }
}

/// The application is loaded: says which of its libraries the interposed calls do not reach. Those
/// loaded later are the watchdog's to name.
fn warn_of_bypasses() {
    for bypass in bypassed().into_iter().filter(|bypass| bypass.is_certain) {
        log::warn!(
            "{} brings its own {}: where it waits in these, it blocks the worker",
            bypass.library,
            bypass.names.join(", ")
        );
    }
}

/// What the application's waits were, for whoever asks why it does not wait together.
fn log_calls() {
    for Count { name, parkable, held } in counts() {
        log::debug!(
            "{name}: {parkable} calls that let other requests run, {held} that kept the \
             interpreter lock and did not"
        );
    }
}

/// The life of a carrier's first coroutine: it turns the reactor whenever it has the role.
fn carry(core: Shared, index: usize, done: &mpsc::Sender<()>) {
    let core = core.0;
    core.handler.on_engine_thread(&mut || {
        Reactor { core }.run(index);
        // The main thread ends the process; nothing may run here any more.
        let _ = done.send(());
        core.handler.stir();
        scheduler::end();
    });
}
