//! Whether there is room for one more green thread, and what becomes of requests when there is none.
//!
//! generator makes a stack or panics, so room is looked for before: the mappings of a stack and
//! some to spare are made, and given back at once. The spare part is for what the requests allocate
//! meanwhile, and for other OS threads, which may take what was found: then the panic is caught
//! ([`crate::scheduler::RunQueue::spawn`]), and that is a shortage as well.
//!
//! In a shortage requests wait in the queue. Green threads that are done serve them; more are made
//! when one has ended, or after a while. The rule that a reader would break: nothing is tried at
//! each turn of the reactor, which would never sleep again.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::fmt;
use std::io;
use std::ptr;
use std::time::{Duration, Instant};

use libc::c_void;

/// What a green thread was not made for want of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortage {
    /// Address space, or memory that the kernel would promise.
    Addresses,
    /// Entries in the process's table of mappings.
    Mappings,
    /// Threads: each green thread is one for a moment, at its beginning and at its end.
    Threads,
}

/// The room for green threads.
#[derive(Default)]
pub struct Room {
    // None: there may be some.
    look_at: Cell<Option<Instant>>,
    found: Cell<usize>,
    has_said: Cell<bool>,
}

/// How often to look in a shortage: a look is three system calls.
const LOOK: Duration = Duration::from_millis(100);
/// Left to the requests, in bytes: what one OS thread takes with its stack and its malloc arena
/// would go in here, or a hundred arenas of CPython's.
const SPARE: usize = 64 * 1024 * 1024;
/// Left to the requests, in mappings: twice as many.
const SPARE_PAGES: usize = 64;
/// Spare mappings cost 50 us to look for, so it is done once for this many stacks of two mappings.
const SELDOM: usize = 16;
const PAGE: usize = 4096;

impl Room {
    /// Looks for the room of a stack of `bytes`, beside `others`. The only one may have the last.
    ///
    /// # Errors
    /// There is none.
    pub fn find(&self, bytes: usize, others: usize) -> Result<(), Shortage> {
        let (spare, pages) = match others {
            0 => (0, 1),
            _ if self.found.get().is_multiple_of(SELDOM) => (SPARE, SPARE_PAGES),
            _ => (SPARE, 1),
        };
        try_to_map(bytes + PAGE + spare, pages)?;
        self.found.set(self.found.get() + 1);
        Ok(())
    }

    /// There was no room beside `others`.
    pub fn run_out(&self, shortage: Shortage, others: usize) {
        self.look_at.set(Some(Instant::now() + LOOK));
        if !self.has_said.replace(true) {
            log::warn!(
                "no room for a green thread beside {others}: requests wait until one is free; raise \
                 {shortage}, or lower coroutine_stack_size (said once)"
            );
        }
    }

    /// A green thread has ended.
    pub fn grow(&self) {
        self.look_at.set(None);
    }

    /// Looks again from `now` on, if it is time.
    pub fn look_after(&self, now: Instant) {
        if self.look_at.get().is_some_and(|at| at <= now) {
            self.look_at.set(None);
        }
    }

    /// When to look again; `None`: there is no shortage that is known of.
    pub fn next_look(&self) -> Option<Instant> {
        self.look_at.get()
    }
}

impl Shortage {
    /// What a thread could not be made for.
    pub fn of(error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::EAGAIN) => Self::Threads,
            _ => Self::of_a_mapping(),
        }
    }

    /// What a mapping has failed for, just now.
    pub fn of_a_mapping() -> Self {
        // The kernel counts mappings first, also for one that would only lengthen another.
        match map(PAGE) {
            Some(page) => {
                unmap(page, PAGE);
                Self::Addresses
            }
            None => Self::Mappings,
        }
    }
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mappings => "vm.max_map_count",
            Self::Threads => {
                "the limit of threads (ulimit -u, TasksMax=, a container's pids limit)"
            }
            Self::Addresses if is_limited(libc::RLIMIT_AS) => {
                "the limit of the address space (ulimit -v, LimitAS=)"
            }
            Self::Addresses if is_limited(libc::RLIMIT_DATA) => {
                "the limit of data (ulimit -d, LimitDATA=)"
            }
            Self::Addresses => "the memory that the kernel promises (vm.overcommit_memory)",
        })
    }
}

fn try_to_map(bytes: usize, pages: usize) -> Result<(), Shortage> {
    let start = map(bytes).ok_or_else(Shortage::of_a_mapping)?;
    // Every second page another protection: each splits a mapping, as a stack's guard does.
    let splits = (0..pages).all(|page| {
        let page = start.wrapping_byte_add(2 * page * PAGE);
        // SAFETY: a page of the mapping just made, which nobody uses.
        unsafe { libc::mprotect(page, PAGE, libc::PROT_NONE) == 0 }
    });
    unmap(start, bytes);
    if splits { Ok(()) } else { Err(Shortage::Mappings) }
}

/// A mapping of the kind that generator makes.
fn map(bytes: usize) -> Option<*mut c_void> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK;
    // SAFETY: a new mapping at an address of the kernel's choice.
    let start = unsafe { libc::mmap(ptr::null_mut(), bytes, protection, kind, -1, 0) };
    (start != libc::MAP_FAILED).then_some(start)
}

fn unmap(start: *mut c_void, bytes: usize) {
    // SAFETY: the whole of a mapping made by `map`, which nobody uses.
    unsafe { libc::munmap(start, bytes) };
}

fn is_limited(resource: libc::__rlimit_resource_t) -> bool {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` outlives the call.
    unsafe { libc::getrlimit(resource, &raw mut limit) };
    limit.rlim_cur != libc::RLIM_INFINITY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_address_space_holds_is_a_shortage_of_addresses() {
        let room = Room::default();
        assert_eq!(room.find(1 << 46, 1), Err(Shortage::Addresses));
        assert_eq!(room.find(1 << 20, 1), Ok(()));
    }

    #[test]
    fn after_a_shortage_the_next_look_is_later_or_when_a_green_thread_has_ended() {
        let room = Room::default();
        assert_eq!(room.next_look(), None);
        room.run_out(Shortage::Mappings, 1);
        let at = room.next_look().unwrap();
        room.look_after(at - LOOK);
        assert_eq!(room.next_look(), Some(at));
        room.look_after(at);
        assert_eq!(room.next_look(), None);
        room.run_out(Shortage::Mappings, 1);
        room.grow();
        assert_eq!(room.next_look(), None);
    }
}
