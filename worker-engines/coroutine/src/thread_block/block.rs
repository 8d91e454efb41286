//! A thread's block, for a green thread to have.
#![allow(unsafe_code)]

use std::io;
use std::ops::Range;
use std::sync::atomic::Ordering;

use super::hibernation::start;
use super::slot::{Place, free, place_of, take_slot};
use crate::fork;

/// glibc's thread, hibernated. Ended when it is dropped, which must not be under its own block.
pub struct ThreadBlock(&'static Place);

impl ThreadBlock {
    /// A new thread. On the scheduler's thread, under its own block; the caller has blocked signals.
    ///
    /// # Errors
    /// No addresses, or no thread may be made (`EAGAIN`: RLIMIT_NPROC, a control group's pids.max).
    pub fn new() -> io::Result<Self> {
        let place = take_slot()?;
        match start(place) {
            Ok(()) => Ok(Self(place)),
            Err(error) => {
                free().push(place);
                Err(error)
            }
        }
    }

    /// Its `pthread_t`.
    pub fn address(&self) -> usize {
        self.0.block.load(Ordering::Relaxed)
    }

    /// Its number, as mutexes know their owner by.
    pub fn number(&self) -> i32 {
        self.0.number
    }

    /// Remembers the stack that its green thread runs on.
    pub fn set_stack(&self, stack: &Range<usize>) {
        self.0.bottom.store(stack.start, Ordering::Relaxed);
        self.0.len.store(stack.len(), Ordering::Relaxed);
    }
}

impl Drop for ThreadBlock {
    fn drop(&mut self) {
        // Nobody there would end it, and its memory is the child's to keep.
        if fork::is_child() {
            return;
        }
        // SAFETY: it has left, and nobody runs under its block any more: the owner has dropped it.
        if unsafe { self.0.revive() } {
            free().push(self.0);
        } else {
            log::error!(
                "no OS thread could be started to end a green thread ({}): its memory is not given back",
                io::Error::last_os_error()
            );
        }
    }
}

/// The green thread's stack behind a `pthread_t`; `None`: it is none of ours. Async-signal-safe, as all
/// that asks about threads.
pub fn stack_of(thread: usize) -> Option<Range<usize>> {
    let place = place_of(thread)?;
    let bottom = place.bottom.load(Ordering::Relaxed);
    Some(bottom..bottom + place.len.load(Ordering::Relaxed))
}

/// Whether a `pthread_t` is a green thread's.
pub fn is_one(thread: usize) -> bool {
    place_of(thread).is_some()
}
