//! What `pthread_self()` answers in a green thread: an address of its own.
//!
//! CPython tells threads apart by it: with one shared identity an RLock lets ten in (seen: 198
//! violations by 200 green threads). Identities come from a pool, because `threading` keeps an entry
//! for each that it has ever seen. Each is the address of a page of zeros that stays mapped: a C
//! library that hands it to a glibc function we do not replace finds a thread with the id 0, which
//! is an error there (ESRCH), and not somebody else's memory.
#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

thread_local! {
    static CURRENT: Cell<usize> = const { Cell::new(0) };
    static POOL: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

static MAIN: AtomicUsize = AtomicUsize::new(0);

/// An identity in use.
pub struct Identity(usize);

impl Identity {
    /// What `pthread_self()` answers.
    pub fn value(&self) -> usize {
        self.0
    }
}

/// Identities mapped at a time; pages never touched cost addresses and no memory.
const REGION: usize = 256;
/// More than `struct pthread` of any glibc.
const PAGE: usize = 4096;

/// Takes one out of the pool, the last given back first.
pub fn take() -> Identity {
    POOL.with_borrow_mut(|pool| {
        if pool.is_empty() {
            let region = map_region();
            pool.extend((0..REGION).rev().map(|index| region + index * PAGE));
        }
        Identity(pool.pop().expect("a region was just added"))
    })
}

/// Puts one back.
pub fn give_back(identity: Identity) {
    POOL.with_borrow_mut(|pool| pool.push(identity.0));
}

/// Remembers the main thread, which calls.
pub fn remember_main_thread() {
    // SAFETY: no arguments. Outside green threads this is the OS thread's own.
    MAIN.store(unsafe { libc::pthread_self() } as usize, Ordering::Relaxed);
}

/// The main thread's `pthread_self()`.
pub fn main_thread() -> usize {
    MAIN.load(Ordering::Relaxed)
}

/// Sets the identity of what runs on this OS thread; 0: the OS thread's own.
pub fn set_current(value: usize) {
    CURRENT.set(value);
}

/// The identity of the green thread that runs here; 0 where none does.
pub fn current() -> usize {
    CURRENT.get()
}

fn map_region() -> usize {
    // SAFETY: a new private mapping at an address of the kernel's choice.
    let region = unsafe {
        libc::mmap(
            ptr::null_mut(),
            REGION * PAGE,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    assert!(region != libc::MAP_FAILED, "no address space for the identities of green threads");
    region as usize
}
