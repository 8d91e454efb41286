//! A green thread that keeps the interpreter lock while it waits for a lock that another one has: C
//! code of an extension module that locks a mutex without giving the interpreter lock up.
//!
//! ```text
//!   keeper    has the interpreter lock, parks for the mutex ──────────────► has both, goes on
//!   holder    parked in C, with the mutex ─► goes on without the language ─► unlocks it
//!   others    whoever wants the interpreter lock meanwhile parks until it is free
//! ```
//!
//! As between OS threads it is a pause for all code of the language. And as between OS threads it is a
//! deadlock if the holder wants the interpreter lock before it unlocks: then nothing can end it.

use std::time::{Duration, Instant};

use crate::core::Keeper;
use crate::green::{self, Green};
use crate::held::Lock;
use crate::{deadlock, progress};

/// Waits by `wait` for a lock, which parks, and keeps the interpreter lock; `None`: it cannot park here,
/// even so.
pub fn wait<R>(green: &Green, lock: Lock, wait: impl FnOnce() -> R) -> Option<R> {
    if !green::may_keep_lock(green) {
        return None;
    }
    let keeper = &green.core().keeper;
    keeper.set(Some(Keeper { owner: green.owner(), lock, since: Instant::now() }));
    progress::set_kept_parked(true);
    let result = wait();
    progress::set_kept_parked(false);
    keeper.set(None);
    Some(result)
}

/// How often who wants the interpreter lock looks whether it is free.
const LOOK: Duration = Duration::from_millis(1);
/// What a green thread is noted to have may be another's by now, for a moment.
const CERTAIN: Duration = Duration::from_secs(1);

/// `green` wants the interpreter lock, which a parked one keeps: it parks for a moment.
pub fn let_time_pass(green: &Green) {
    if let Some(keeper) = green.core().keeper.get()
        && keeper.since.elapsed() >= CERTAIN
        && keeper.lock.is_had_by(&green.owner())
    {
        deadlock::end(green.core(), keeper.owner, green.owner(), keeper.lock.what);
    }
    green.park_firmly(green.ticket(), Some(Instant::now() + LOOK));
}
