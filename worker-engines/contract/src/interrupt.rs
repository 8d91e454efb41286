//! The interruption of a green thread whose request is overdue.
//!
//! The engine makes it due; a wait of that green thread in which the language itself stands then ends
//! with `EINTR`, and until its next call that may wait, while the language looks why, the green thread
//! passes for the process's main thread, which is the only one that CPython runs signal handlers in.
//! When the exception exists it was delivered, and the waits of the application's clean-up are like
//! any others.
//!
//! A thread-local, swapped with the green thread as its current request is.

use std::cell::Cell;

/// What a green thread is to be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interrupt {
    /// It is to be told that its request is overdue.
    pub is_due: bool,
    /// It passes for the main thread.
    pub poses_as_main: bool,
    /// Since its last wait was ended, there has been a signal to look for.
    pub is_tripped: bool,
    /// Waits in a row that were ended for it.
    pub tries: u8,
    /// It has been told.
    pub is_delivered: bool,
}

thread_local! {
    static INTERRUPT: Cell<Interrupt> = const { Cell::new(Interrupt {
        is_due: false,
        poses_as_main: false,
        is_tripped: false,
        tries: 0,
        is_delivered: false,
    }) };
}

/// Sets the state of what runs here, and hands back the one before.
pub fn replace_interrupt(interrupt: Interrupt) -> Interrupt {
    INTERRUPT.replace(interrupt)
}

/// The state of what runs here.
#[must_use]
pub fn interrupt() -> Interrupt {
    INTERRUPT.get()
}
