//! What `pthread_self()` answers in a green thread: an address of its own.
//!
//! CPython tells threads apart by it: with one shared identity an RLock lets ten in (seen: 198
//! violations by 200 green threads). Identities come from a pool, because `threading` keeps an entry
//! for each that it has ever seen. Each is the address of a page of zeros that stays mapped: a C
//! library that hands it to a glibc function we do not replace finds a thread with the id 0, which
//! is an error there (ESRCH), and not somebody else's memory.
//!
//! Any OS thread may ask whether a `pthread_t` is ours, and where its stack lies: the pool grows by
//! regions, in a list that only grows.
#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::io;
use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

thread_local! {
    static CURRENT: Cell<usize> = const { Cell::new(0) };
    static POOL: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

static MAIN: AtomicUsize = AtomicUsize::new(0);

/// An identity in use. It goes back into the pool when it is dropped.
pub struct Identity(usize);

impl Drop for Identity {
    fn drop(&mut self) {
        // There is room for it: it came from there.
        POOL.with_borrow_mut(|pool| pool.push(self.0));
    }
}

impl Identity {
    /// What `pthread_self()` answers.
    pub fn value(&self) -> usize {
        self.0
    }

    /// Remembers where its green thread's stack lies.
    pub fn set_stack(&self, stack: &Range<usize>) {
        if let Some(place) = place(self.0) {
            place.bottom.store(stack.start, Ordering::Relaxed);
            place.len.store(stack.len(), Ordering::Relaxed);
        }
    }
}

/// Identities mapped at a time; pages never touched cost addresses and no memory.
const REGION: usize = 256;
/// More than `struct pthread` of any glibc.
const PAGE: usize = 4096;

/// What is known of an identity.
#[derive(Default)]
struct Place {
    bottom: AtomicUsize,
    len: AtomicUsize,
}

struct Region {
    start: usize,
    places: [Place; REGION],
    next: *const Region,
}

/// The newest region; each leads to the one before it, and none ever goes.
static REGIONS: AtomicPtr<Region> = AtomicPtr::new(ptr::null_mut());
/// The OS thread whose green threads have these identities.
static SCHEDULER: AtomicUsize = AtomicUsize::new(0);

/// Takes one out of the pool, the last given back first. On the scheduler's thread, outside any
/// green thread.
///
/// # Errors
/// No addresses for more.
pub fn take() -> io::Result<Identity> {
    POOL.with_borrow_mut(|pool| {
        if pool.is_empty() {
            let region = map_region()?;
            pool.extend((0..REGION).rev().map(|index| region + index * PAGE));
        }
        Ok(Identity(pool.pop().expect("a region was just added")))
    })
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

/// The OS thread behind an identity; `None`: it is none of ours. Async-signal-safe, as all below.
pub fn os_thread_of(value: usize) -> Option<usize> {
    place(value).map(|_| SCHEDULER.load(Ordering::Relaxed))
}

/// The stack of the green thread that has this identity, or had it last.
pub fn stack_of(value: usize) -> Option<Range<usize>> {
    let place = place(value)?;
    let bottom = place.bottom.load(Ordering::Relaxed);
    Some(bottom..bottom + place.len.load(Ordering::Relaxed))
}

fn place(value: usize) -> Option<&'static Place> {
    let mut region: *const Region = REGIONS.load(Ordering::Acquire);
    // SAFETY: null, or a region that was leaked.
    while let Some(known) = unsafe { region.as_ref() } {
        let offset = value.wrapping_sub(known.start);
        if offset < REGION * PAGE {
            return known.places.get(offset / PAGE).filter(|_| offset % PAGE == 0);
        }
        region = known.next;
    }
    None
}

fn map_region() -> io::Result<usize> {
    // SAFETY: a new private mapping at an address of the kernel's choice.
    let start = unsafe {
        libc::mmap(
            ptr::null_mut(),
            REGION * PAGE,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // No green thread runs yet on this OS thread when its identity is taken: this is the real one.
    let current = CURRENT.replace(0);
    // SAFETY: no arguments.
    SCHEDULER.store(unsafe { libc::pthread_self() } as usize, Ordering::Relaxed);
    CURRENT.set(current);
    let region = Region {
        start: start as usize,
        places: std::array::from_fn(|_| Place::default()),
        next: REGIONS.load(Ordering::Acquire),
    };
    REGIONS.store(Box::into_raw(Box::new(region)), Ordering::Release);
    Ok(start as usize)
}
