//! The ways of the green thread that runs here into the engine.
#![allow(unsafe_code)]

use super::thread::{Green, current};
use crate::role::{self, Entry};
use crate::{fork, signals};

/// A green thread inside the engine, for as long as this lives.
pub struct Inside<'g> {
    green: &'g Green,
    entry: Entry,
}

impl<'g> Inside<'g> {
    /// It was inside already.
    pub fn was_inside(&self) -> bool {
        self.entry == Entry::Nested
    }

    /// Others had the role before: what it saw outside may be over.
    pub fn had_lost_role(&self) -> bool {
        self.entry == Entry::Lost
    }

    /// It.
    pub fn green(&self) -> &'g Green {
        self.green
    }
}

impl Green {
    pub(super) fn come_in(&self) -> Inside<'_> {
        Inside { green: self, entry: self.regain() }
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        if self.entry != Entry::Nested {
            role::leave(self.green.run.get());
        }
    }
}

/// The green thread that runs here comes into the engine, if it has the role; `None` as well where none
/// runs. Without the role it is a thread like any other.
pub fn inside() -> Option<Inside<'static>> {
    let green = current()?;
    let entry = role::enter(green.run.get());
    // Made only if it came in: what drops it leaves again.
    if entry == Entry::Lost { None } else { Some(Inside { green, entry }) }
}

/// The green thread that runs here comes into the engine, and waits for the role if it has lost it.
pub fn coming_in() -> Option<Inside<'static>> {
    current().map(Green::come_in)
}

/// The green thread that runs here comes into the engine, if it may park now. What every interposed
/// call asks first: it must not allocate, log or panic.
pub fn parkable() -> Option<Inside<'static>> {
    current().filter(|green| may_park(green)).map(Green::come_in)
}

/// Whether the green thread that runs may park.
pub fn may_park(green: &Green) -> bool {
    let is_child = fork::is_child() || green.mask().may_have_vforked() && fork::is_other_process();
    !is_child && green.core.handler.may_park() && !is_in_handler(green)
}

/// Whether the green thread that runs may park although it keeps the interpreter lock. Under the same
/// rule as [`parkable`].
pub fn may_keep_lock(green: &Green) -> bool {
    !fork::is_other_process() && green.core.handler.may_keep_lock() && !is_in_handler(green)
}

/// Whether a signal handler calls, in the middle of whatever the green thread does: faulthandler's
/// prints with write(2). Handlers run on the thread's alternate stack: only they are allowed on the
/// scheduler's thread (see [`crate::signals`]). What leaves the green thread's stack otherwise, a
/// library with coroutines of its own, is told apart at the price of a system call.
fn is_in_handler(green: &Green) -> bool {
    let here = (&raw const green) as usize;
    !green.stack().contains(&here) && signals::is_on_alternate_stack()
}
