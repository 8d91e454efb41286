//! Preemption: a green thread that computes for longer than a slice gives way to the others.
//!
//! ```text
//!   preemptor (an OS thread): looks twice a slice. No switch since the last look? Asks for the
//!   interpreter lock, and holds it until the loser has entered our pthread_cond_wait; there the
//!   loser lets the others run, until nobody can or they have had their share.
//! ```
//!
//! One that computes in C without the interpreter lock, or waits in a way that nothing interposed
//! sees, has no such point. The preemptor gets the lock at once, and nobody has let others run:
//! then a spare carrier takes the scheduler's role, and the one that computes goes on beside it
//! (see `scheduler`).
//!
//! While the worker is idle the preemptor is parked, and costs nothing. What is not preempted: a C
//! call that keeps the lock (it cannot be asked). The watchdog names it.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use unicoro_contract::Handler;

use crate::core::Shared;
use crate::green::Green;
use crate::{progress, role};

/// The preemptor wants the green thread that computes to let others run.
static IS_ASKED: AtomicBool = AtomicBool::new(false);
/// The preemptor has asked for the interpreter lock, and not had it yet.
static LACKS_LOCK: AtomicBool = AtomicBool::new(false);
/// How often one has given way.
static GIVEN: AtomicU64 = AtomicU64::new(0);
/// The preemptor is parked.
static IS_PARKED: AtomicBool = AtomicBool::new(false);
static PREEMPTOR: OnceLock<(Thread, Duration)> = OnceLock::new();

/// Looks at an idle scheduler before the preemptor parks: parking for each pause between two
/// requests would cost them a system call each.
const IDLE_LOOKS: u32 = 20;

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
    let share = PREEMPTOR.get().map_or(Duration::ZERO, |(_, slice)| *slice);
    let began = Instant::now();
    loop {
        green.yield_now();
        if !green.core().has_work() || began.elapsed() >= share {
            return;
        }
    }
}

/// The scheduler has something to do.
pub fn wake() {
    if IS_PARKED.load(Ordering::SeqCst)
        && let Some((preemptor, _)) = PREEMPTOR.get()
    {
        IS_PARKED.store(false, Ordering::SeqCst);
        preemptor.unpark();
    }
}

/// Preempts the scheduler from now on.
///
/// # Errors
/// No thread: the worker runs without preemption.
pub fn start(slice: Duration, handler: Arc<dyn Handler>, core: Shared) -> io::Result<()> {
    let preemptor = thread::Builder::new()
        .name("preemptor".into())
        .spawn(move || handler.on_engine_thread(&mut || run(slice, &*handler, core)))?;
    // Set once: a process has one scheduler.
    drop(PREEMPTOR.set((preemptor.thread().clone(), slice)));
    Ok(())
}

fn run(slice: Duration, handler: &dyn Handler, core: Shared) {
    let queue = &core.0.queue;
    let mut seen = 0;
    let mut idle_looks = 0;
    loop {
        thread::sleep(slice / 2);
        let switches = progress::switches();
        if progress::is_waiting() {
            idle_looks += 1;
            if idle_looks >= IDLE_LOOKS {
                park_while_idle();
                idle_looks = 0;
            }
        } else {
            idle_looks = 0;
            if switches == seen {
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
                        queue.hand_on(run);
                    }
                });
                // It may have left Python by itself in the meantime.
                IS_ASKED.store(false, Ordering::Relaxed);
            }
        }
        seen = switches;
    }
}

/// Dekker's order with `wake`: one of the two sees the other.
fn park_while_idle() {
    IS_PARKED.store(true, Ordering::SeqCst);
    while progress::is_waiting() && IS_PARKED.load(Ordering::SeqCst) {
        thread::park();
    }
    IS_PARKED.store(false, Ordering::SeqCst);
}
