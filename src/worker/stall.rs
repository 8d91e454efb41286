//! The report of a scheduler that stands still: which request, how old, where in the code.

use unicoro_contract::{Blocked, Deadlock, Party};
use unicoro_sys::activity::{Activity, name_of_call};

use super::desk::Desk;
use crate::logging::{self, TRACEBACK};
use crate::python::{self, Cause, Standstill};

/// Says it in the log.
pub fn report(blocked: &Blocked, desk: Desk) {
    match *blocked {
        Blocked::Since { age, thread, identity, grip, has_spare_carrier } => {
            let request = desk.current().unwrap_or_else(|| "no request".to_owned());
            let stack = python::stack_of(thread, identity, grip);
            log::warn!(
                target: TRACEBACK,
                "BLOCKED: no other request has run for {:.1} s because of {request}: {} \
                 (docs/blocked.md).\nIts Python stack:\n{}",
                age.as_secs_f32(),
                explained(stack.cause, has_spare_carrier),
                stack.text.trim_end()
            );
        }
        Blocked::Over { lasted } => {
            log::warn!("No longer blocked, after {:.1} s", lasted.as_secs_f32());
        }
    }
}

/// The same of an event loop, whose thread has this stack.
pub fn report_loop(standstill: &Standstill, stack: Option<String>) {
    match standstill {
        Standstill::Since(age) => log::warn!(
            target: TRACEBACK,
            "BLOCKED: the event loop has not turned for {:.1} s, and its requests wait, because a \
             coroutine computes or blocks (docs/blocked.md).\nIts Python stack:\n{}",
            age.as_secs_f32(),
            stack.as_deref().unwrap_or("unknown, because something keeps the GIL").trim_end()
        ),
        Standstill::Over(lasted) => {
            log::warn!("The event loop turns again, after {:.1} s", lasted.as_secs_f32());
        }
    }
}

/// What was seen, and what to do.
fn explained(cause: Cause, has_spare_carrier: bool) -> String {
    let why_stays = if has_spare_carrier {
        "and no carrier has come to go on with the others: switch_interval is 0, or the machine is \
         overloaded"
    } else {
        "and all carriers are taken: raise carriers"
    };
    match cause {
        Cause::Python => {
            "it computes in Python, and nothing interrupts it: set switch_interval".into()
        }
        Cause::WithoutLock(Some(Activity::Computes)) => {
            format!("it computes in C without the GIL, {why_stays}")
        }
        Cause::WithoutLock(Some(Activity::Waits { call, .. })) => format!(
            "it waits in the system call {}, which unicoro cannot intercept, {why_stays}",
            name_of_call(call)
        ),
        Cause::WithoutLock(None) => format!("it is in C without the GIL, {why_stays}"),
        Cause::KeepsLock(Some(Activity::Computes)) => {
            "it computes in a C call that keeps the GIL".into()
        }
        Cause::KeepsLock(Some(Activity::Waits { call, .. })) => format!(
            "it waits in the system call {}, in a C call that keeps the GIL",
            name_of_call(call)
        ),
        Cause::KeepsLock(None) => "it is in a C call that keeps the GIL".into(),
        Cause::KeepsLockParked => {
            "it waits for a lock that another request has, in a C call that keeps the GIL".into()
        }
    }
}

/// Says which two requests wait for each other for good, before the worker ends.
pub fn report_deadlock(deadlock: &Deadlock) {
    let Deadlock { what, waiter, holder } = deadlock;
    // The GIL will not be had any more.
    logging::take_back();
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
