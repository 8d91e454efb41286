//! Preemption: a green thread that computes for longer than a slice gives way to the others.
//!
//! ```text
//!   preemptor (an OS thread): wakes when nobody has put it off for half a slice, and looks twice a
//!   slice from then on. No switch since the last look? Asks for the interpreter lock, and holds it
//!   until the loser has entered our pthread_cond_wait; there the loser lets the others run, until
//!   nobody can or they have had their share.
//! ```
//!
//! It is put off by each turn of the reactor and by the end of each request: only a request that
//! computes is preempted, and no green thread that has served many short ones. Where all are short,
//! the preemptor never wakes.
//!
//! One that computes in C without the interpreter lock, or waits in a way that nothing interposed
//! sees, has no such point. The preemptor gets the lock at once, and nobody has let others run:
//! then a spare carrier takes the scheduler's role, and the one that computes goes on beside it
//! (see `scheduler`).
//!
//! While the worker is idle it sleeps, and costs nothing. What is not preempted: a C call that keeps
//! the lock (it cannot be asked). The watchdog names it.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use unicoro_contract::Handler;
use unicoro_sys::alarm_clock::AlarmClock;

use crate::core::Shared;
use crate::green::Green;
use crate::{progress, role};

/// The preemptor wants the green thread that computes to let others run.
static IS_ASKED: AtomicBool = AtomicBool::new(false);
/// The preemptor has asked for the interpreter lock, and not had it yet.
static LACKS_LOCK: AtomicBool = AtomicBool::new(false);
/// How often one has given way.
static GIVEN: AtomicU64 = AtomicU64::new(0);
/// When the preemptor wakes, as nanoseconds since [`Preemptor::epoch`].
static WAKES: AtomicU64 = AtomicU64::new(0);
static PREEMPTOR: OnceLock<Preemptor> = OnceLock::new();

struct Preemptor {
    clock: AlarmClock,
    slice: Duration,
    epoch: Instant,
}

/// Whether the green thread that waits for the lock must let the others run first.
pub fn is_asked() -> bool {
    IS_ASKED.load(Ordering::Relaxed)
}

/// Whether the preemptor waits for the lock: it can hand nobody's role on meanwhile.
pub fn lacks_lock() -> bool {
    LACKS_LOCK.load(Ordering::Acquire)
}

/// The green thread that computes lets others run: once at least, and then for as long as somebody
/// can, but no longer than a slice.
pub fn give_way(green: &Green) {
    IS_ASKED.store(false, Ordering::Relaxed);
    GIVEN.fetch_add(1, Ordering::Release);
    let share = PREEMPTOR.get().map_or(Duration::ZERO, |preemptor| preemptor.slice);
    let began = Instant::now();
    loop {
        green.yield_now();
        if !green.core().has_work() || began.elapsed() >= share {
            return;
        }
    }
}

/// Somebody else runs, or serves another request, from `now` on: the preemptor sleeps on. By who has the
/// scheduler's role.
pub fn put_off(now: Instant) {
    if let Some(preemptor) = PREEMPTOR.get() {
        preemptor.put_off(now);
    }
}

/// Preempts the scheduler from now on.
///
/// # Errors
/// No thread or no descriptor: the worker runs without preemption.
pub fn start(slice: Duration, handler: Arc<dyn Handler>, core: Shared) -> io::Result<()> {
    let preemptor = Preemptor { clock: AlarmClock::new()?, slice, epoch: Instant::now() };
    thread::Builder::new().name("preemptor".into()).spawn(move || {
        handler.on_engine_thread(&mut || PREEMPTOR.wait().run(&*handler, core));
    })?;
    // Set once: a process has one scheduler.
    drop(PREEMPTOR.set(preemptor));
    Ok(())
}

impl Preemptor {
    /// It wakes in half a slice, give or take a quarter: setting the clock is a system call.
    fn put_off(&self, now: Instant) {
        let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let now = nanoseconds(now.saturating_duration_since(self.epoch));
        if now + nanoseconds(self.slice / 4) > WAKES.load(Ordering::Relaxed) {
            WAKES.store(now + nanoseconds(self.slice / 2), Ordering::Relaxed);
            if let Err(error) = self.clock.set(self.slice / 2) {
                lose(&error);
            }
        }
    }

    fn run(&self, handler: &dyn Handler, core: Shared) {
        let mut seen = 0;
        loop {
            if let Err(error) = self.clock.sleep() {
                return lose(&error);
            }
            let switches = progress::switches();
            // An idle scheduler puts it off when it is idle no more.
            if !progress::is_waiting() {
                if switches == seen {
                    ask(handler, core);
                }
                self.put_off(Instant::now());
            }
            seen = switches;
        }
    }
}

/// The application has closed the clock's descriptor, which is none of its own.
fn lose(error: &io::Error) {
    // Nobody puts it off any more.
    if WAKES.swap(u64::MAX, Ordering::Relaxed) != u64::MAX {
        log::error!("no preemption any more, a request that computes delays the others: {error}");
    }
}

/// Asks for the interpreter lock, and hands the role on where it is had without anybody's giving way.
fn ask(handler: &dyn Handler, core: Shared) {
    let given = GIVEN.load(Ordering::Acquire);
    let computes = role::outside();
    IS_ASKED.store(true, Ordering::Relaxed);
    LACKS_LOCK.store(true, Ordering::Release);
    let has_given = || {
        LACKS_LOCK.store(false, Ordering::Release);
        GIVEN.load(Ordering::Acquire) != given
    };
    // It has not come to its wait for the lock: it has not had it.
    handler.take_lock(&has_given, &|| {
        if let Some(run) = computes {
            core.0.queue.hand_on(run);
        }
    });
    // It may have left Python by itself in the meantime.
    IS_ASKED.store(false, Ordering::Relaxed);
}
