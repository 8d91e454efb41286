//! What the application believes of signals.
//!
//! The scheduler's thread has them blocked ([`unicoro_reactor::blocked`]), and the application must
//! not see that: what it starts inherits the mask, and a child with all signals blocked could not be
//! terminated. So each green thread has a mask that it is told of (see `interposed::process::mask`), and
//! with which its children and threads begin.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use libc::{c_int, sigset_t};

/// What a green thread believes to be blocked at first: what the main thread had blocked.
static APPLICATION: AtomicU64 = AtomicU64::new(0);

/// Runs `start` with all signals blocked, for threads that are begun inside; what the main thread,
/// which calls, had blocked is what the application believes in.
pub fn blocked<R>(start: impl FnOnce() -> R) -> R {
    APPLICATION.store(change(None), Ordering::Relaxed);
    unicoro_reactor::blocked(start)
}

/// The signals that the application believes to have blocked in a green thread. Its own, because
/// subprocess blocks all around its vfork, and lets go of the interpreter lock in between.
pub struct Mask {
    blocked: Cell<u64>,
    // While it stands in a vfork: what its OS thread has blocked otherwise.
    vforked: Cell<Option<u64>>,
}

impl Mask {
    /// That with which a green thread begins.
    pub fn first() -> Self {
        Self { blocked: Cell::new(APPLICATION.load(Ordering::Relaxed)), vforked: Cell::default() }
    }

    /// Those that are blocked.
    pub fn get(&self) -> u64 {
        self.blocked.get()
    }

    /// The application blocks these from now on.
    pub fn set(&self, mask: u64) {
        self.blocked.set(mask);
    }

    /// The green thread is about to call vfork: the child begins with this mask.
    pub fn begin_vfork(&self) {
        self.vforked.set(Some(set(self.get())));
    }

    /// The child has gone its own way.
    pub fn end_vfork(&self) {
        if let Some(mask) = self.vforked.take() {
            set(mask);
        }
    }

    /// Whether the child of a vfork may stand on this stack, in our memory and with the interpreter
    /// lock free (CPython releases it around vfork). A switch there would run the others in the child.
    /// Who calls clone(2) for it blocks all signals for that time, as glibc's posix_spawn does; nobody
    /// asks the kernel at each call.
    pub fn may_have_vforked(&self) -> bool {
        self.vforked.get().is_some() || self.get() != APPLICATION.load(Ordering::Relaxed)
    }
}

/// The signals of a set as bits: the kernel knows 64, and glibc keeps them in the first word.
pub fn mask_of(set: &sigset_t) -> u64 {
    // SAFETY: a set has 128 bytes and the alignment of a word.
    unsafe { (&raw const *set).cast::<u64>().read() }
}

/// The reverse.
pub fn set_of(mask: u64) -> sigset_t {
    // SAFETY: all zero is the empty set; see `mask_of`.
    unsafe {
        let mut set: sigset_t = std::mem::zeroed();
        (&raw mut set).cast::<u64>().write(mask);
        set
    }
}

/// Runs `start`, which begins a thread, with the mask of the green thread that calls.
pub fn with_mask<R>(mask: u64, start: impl FnOnce() -> R) -> R {
    let before = change(Some(mask));
    let result = start();
    change(Some(before));
    result
}

/// Whether the calling thread runs on its alternate signal stack. Async-signal-safe.
pub fn is_on_alternate_stack() -> bool {
    // SAFETY: an all-zero stack_t is valid, and the kernel fills it; null changes nothing.
    unsafe {
        let mut stack: libc::stack_t = std::mem::zeroed();
        let asked =
            libc::syscall(libc::SYS_sigaltstack, std::ptr::null::<libc::stack_t>(), &raw mut stack);
        asked == 0 && stack.ss_flags & libc::SS_ONSTACK != 0
    }
}

/// Sets the calling thread's real mask; what it was before.
pub fn set(mask: u64) -> u64 {
    change(Some(mask))
}

/// Blocks all signals on the calling thread.
pub fn block_all() {
    change(Some(u64::MAX));
}

/// Sets the calling thread's real mask, if there is one to set; what it was before. A direct call,
/// because `pthread_sigmask` is interposed.
fn change(mask: Option<u64>) -> u64 {
    // glibc's own, by which setuid(2) reaches all threads.
    const GLIBCS: u64 = 1 << 31 | 1 << 32;
    let mask = mask.map(|mask| mask & !GLIBCS);
    let mut before = 0u64;
    let new = mask.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: both sets outlive the call; null changes nothing.
    unsafe {
        let old = &raw mut before;
        libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK as c_int, new, old, 8usize);
    }
    before
}
