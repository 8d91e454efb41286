//! A deadlock that nothing can end: two green threads of which each has a lock that the other one
//! waits for, or one that cannot park and waits for what another one has.
//!
//! It is said, and the worker ends at once: the supervisor's patience would only make it longer.
#![allow(unsafe_code)]

use unicoro_contract::{Deadlock, Party, current_request};

use crate::green::Green;
use crate::{fork, held};

/// The green thread, which cannot park (in a signal handler, say), is about to wait without end for the
/// lock at `address` (`what`: its kind). Ends the worker if another green thread has it.
pub fn look(green: &Green, address: usize, what: &'static str) {
    if fork::is_other_process() {
        return;
    }
    if let Some(holder) = held::holder(address, green) {
        end(green, holder, what);
    }
}

/// Ends the worker, because one waits for what the other one has, and the other way round. One of them
/// calls.
pub fn end(waiter: &Green, holder: &Green, what: &'static str) -> ! {
    let party = |green: &Green| Party {
        request: green.parked_request().or_else(current_request),
        identity: green.identity(),
    };
    let deadlock = Deadlock { what, waiter: party(waiter), holder: party(holder) };
    waiter.core().handler.deadlocked(&deadlock);
    // SAFETY: ends the process; the language's crash handler prints the stack of who calls.
    unsafe { libc::abort() };
}
