//! A deadlock that nothing can end: a green thread that keeps the interpreter lock waits for what
//! another one has, which cannot run before the first one lets it.
//!
//! To OS threads it would be a pause. Here the OS thread would stand still until the supervisor's
//! patience ends; so it is said, and the worker ends at once.
#![allow(unsafe_code)]

use unicoro_contract::{Deadlock, Party, current_request};

use crate::green::Green;
use crate::{fork, held};

/// The green thread, which may not park, is about to wait without end for the lock at `address`
/// (`what`: its kind). Ends the worker if another green thread has it.
pub fn look(green: &Green, address: usize, what: &'static str) {
    if fork::is_other_process() {
        return;
    }
    let Some(holder) = held::holder(address, green) else { return };
    let waiter = Party { request: current_request(), identity: green.identity() };
    let holder = Party { request: holder.parked_request(), identity: holder.identity() };
    green.core().handler.deadlocked(&Deadlock { what, waiter, holder });
    // SAFETY: ends the process; the language's crash handler prints the stack of this green thread.
    unsafe { libc::abort() };
}
