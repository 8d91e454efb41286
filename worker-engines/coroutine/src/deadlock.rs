//! A deadlock that nothing can end: two green threads of which each has a lock that the other one
//! waits for, or one that cannot park and waits for what another one has.
//!
//! It is said, and the worker ends at once: the supervisor's patience would only make it longer.
#![allow(unsafe_code)]

use unicoro_contract::Deadlock;

use crate::core::Core;
use crate::fork;
use crate::green::Green;
use crate::held::{Lock, Owner};

/// The green thread, which cannot park (in a signal handler, say), is about to wait without end for
/// this lock. Ends the worker if another green thread has it.
pub fn look(green: &Green, lock: Lock) {
    if fork::is_other_process() {
        return;
    }
    // One that runs on another carrier gives it back by itself.
    if let Some(holder) = green.other_holder(lock)
        && !holder.runs_elsewhere()
    {
        end(green.core(), green.owner(), holder, lock.what);
    }
}

/// Ends the worker, because one waits for what the other one has, and the other way round. One of them
/// calls.
pub fn end(core: &Core, waiter: Owner, holder: Owner, what: &'static str) -> ! {
    let deadlock = Deadlock { what, waiter: waiter.party(), holder: holder.party() };
    core.handler.deadlocked(&deadlock);
    // SAFETY: ends the process; the language's crash handler prints the stack of who calls.
    unsafe { libc::abort() };
}
