//! The interruption of a green thread whose request is overdue.
//!
//! The engine makes it due; a wait of that green thread in which the language itself stands then ends
//! with `EINTR`, and until its next call that may wait, while the language looks why, the green thread
//! passes for the process's main thread, which is the only one that CPython runs signal handlers in.
//! When the exception exists it was delivered, and the waits of the application's clean-up are like
//! any others.
//!
//! A thread-local, which the engine reaches from outside as a [`InterruptWord`].

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::thread_word::ThreadWord;

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

const DUE: usize = 1 << 8;
const POSES: usize = 1 << 9;
const TRIPPED: usize = 1 << 10;
const DELIVERED: usize = 1 << 11;

impl Interrupt {
    fn from_bits(bits: usize) -> Self {
        Self {
            is_due: bits & DUE != 0,
            poses_as_main: bits & POSES != 0,
            is_tripped: bits & TRIPPED != 0,
            tries: (bits & 0xff) as u8,
            is_delivered: bits & DELIVERED != 0,
        }
    }

    fn bits(self) -> usize {
        let flag = |is_set: bool, bit: usize| if is_set { bit } else { 0 };
        usize::from(self.tries)
            | flag(self.is_due, DUE)
            | flag(self.poses_as_main, POSES)
            | flag(self.is_tripped, TRIPPED)
            | flag(self.is_delivered, DELIVERED)
    }
}

/// The state of one thread, as another may ask for it and make it due. Valid as long as that thread.
#[derive(Clone, Copy, Debug)]
pub struct InterruptWord(*const AtomicUsize);

impl InterruptWord {
    /// That of the thread, or green thread, that calls.
    #[must_use]
    pub fn own() -> Self {
        Self(ThreadWord::Interrupt.address() as *const AtomicUsize)
    }

    /// What it is to be told.
    ///
    /// # Safety
    /// Its thread lives.
    #[allow(unsafe_code)]
    #[must_use]
    pub unsafe fn get(self) -> Interrupt {
        // SAFETY: the caller's word.
        Interrupt::from_bits(unsafe { &*self.0 }.load(Ordering::Relaxed))
    }

    /// It is to be told this from now on.
    ///
    /// # Safety
    /// Its thread lives.
    #[allow(unsafe_code)]
    pub unsafe fn set(self, interrupt: Interrupt) {
        // SAFETY: the caller's word.
        unsafe { &*self.0 }.store(interrupt.bits(), Ordering::Relaxed);
    }
}

/// Sets the state of what runs here, and hands back the one before: in one step, because the engine may
/// make it due at the same moment.
#[allow(unsafe_code)]
pub fn replace_interrupt(interrupt: Interrupt) -> Interrupt {
    let InterruptWord(word) = InterruptWord::own();
    // SAFETY: the thread that calls lives.
    Interrupt::from_bits(unsafe { &*word }.swap(interrupt.bits(), Ordering::Relaxed))
}

/// The state of what runs here.
#[must_use]
pub fn interrupt() -> Interrupt {
    Interrupt::from_bits(ThreadWord::Interrupt.get())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupt_is_a_word_and_back() {
        let all = Interrupt {
            is_due: true,
            poses_as_main: true,
            is_tripped: true,
            tries: 200,
            is_delivered: true,
        };
        for told in [all, Interrupt { is_due: true, tries: 3, ..Interrupt::default() }] {
            assert_eq!(Interrupt::from_bits(told.bits()), told);
            assert_eq!(replace_interrupt(told), Interrupt::default());
            assert_eq!(interrupt(), told);
            assert_eq!(replace_interrupt(Interrupt::default()), told);
        }
    }

    #[test]
    fn what_is_made_due_while_it_is_replaced_is_not_lost() {
        struct Lent(InterruptWord);
        // SAFETY: the thread that it belongs to outlives the scope.
        #[allow(unsafe_code)]
        unsafe impl Send for Lent {}
        let due = Interrupt { is_due: true, ..Interrupt::default() };
        for round in 0..2000 {
            let lent = Lent(InterruptWord::own());
            let mut was_due = false;
            std::thread::scope(|scope| {
                let engine = scope.spawn(move || {
                    let Lent(word) = { lent };
                    // SAFETY: as above.
                    #[allow(unsafe_code)]
                    unsafe {
                        word.set(due);
                    }
                });
                while !engine.is_finished() {
                    was_due |= replace_interrupt(Interrupt::default()).is_due;
                }
            });
            was_due |= replace_interrupt(Interrupt::default()).is_due;
            assert!(was_due, "lost in round {round}");
        }
    }
}
