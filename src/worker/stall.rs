//! The report of a scheduler that stands still: which request, how old, where in the code.

use unicoro_contract::Blocked;

use super::desk::Desk;
use crate::logging::TRACEBACK;
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
