//! The report of a scheduler that stands still: which request, how old, where in the code.

use unicoro_contract::{Blocked, Deadlock, Party};

use super::desk::Desk;
use crate::logging::{self, TRACEBACK};
use crate::python::{self, Stack};

/// Says it in the log.
pub fn report(blocked: &Blocked, desk: Desk) {
    match *blocked {
        Blocked::Since { age, thread, identity } => {
            let request = desk.current().unwrap_or_else(|| "no request".to_owned());
            let (cause, stack) = match python::stack_of(thread, identity) {
                Stack::Free(stack) => (
                    "it gives the GIL up when asked, so it waits in a way that no hook sees, or \
                     computes in Python with switch_interval off",
                    stack,
                ),
                Stack::Kept(stack) => ("it is in a C call that keeps the GIL", stack),
            };
            log::warn!(
                target: TRACEBACK,
                "BLOCKED: no other request has run for {:.1} s because of {request}: {cause}.\n\
                 Its Python stack:\n{}",
                age.as_secs_f32(),
                stack.trim_end()
            );
        }
        Blocked::Over { lasted } => {
            log::warn!("No longer blocked, after {:.1} s", lasted.as_secs_f32());
        }
    }
}

/// Says which two requests wait for each other for good, before the worker ends.
pub fn report_deadlock(deadlock: &Deadlock) {
    let Deadlock { what, waiter, holder } = deadlock;
    let (waiting, holding) = python::stacks_of([waiter.identity, holder.identity]);
    log::error!(
        target: TRACEBACK,
        "DEADLOCK: {} keeps the GIL in C code that waits for a {what}; {} has it, and waits for \
         the GIL. This worker ends at once. Let one request at a time use what they share, or let \
         the library give the GIL up while it waits.\n\
         The Python stack of the one that waits:\n{waiting}\n\
         The Python stack of the one that has it:\n{holding}",
        named(waiter),
        named(holder),
    );
    logging::finish();
}

fn named(party: &Party) -> String {
    match &party.request {
        Some(request) => {
            let age = request.began.elapsed().as_secs_f32();
            format!("{} ({age:.1} s old)", request.line)
        }
        None => "no request".to_owned(),
    }
}
