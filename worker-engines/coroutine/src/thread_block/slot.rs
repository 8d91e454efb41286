//! Memory for threads: slots, each with a stack for one, which never go.
#![allow(unsafe_code)]

use std::io;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::layout;

/// Its stack carries glibc's structures and thread-local variables at its top, and below, at the end,
/// the destructors' frames. Addresses that are never touched cost nothing.
pub(super) const SLOT: usize = 512 * 1024;
/// Slots mapped at a time.
const SLOTS: usize = 32;

/// Numbers of threads with a block: above the kernel's largest (`PID_MAX_LIMIT`, 2^22), and below the
/// bits that futexes keep beside an owner (`FUTEX_TID_MASK`).
const FIRST_NUMBER: i32 = 1 << 24;

/// A slot, and what is known of the thread in it.
pub(super) struct Place {
    pub(super) slot: usize,
    // Its `pthread_t`, which is the address of its block; 0 before the first.
    pub(super) block: AtomicUsize,
    // Where it has left its registers.
    pub(super) saved: AtomicUsize,
    // 0: no kernel thread stands on the stack. The kernel clears it (set_tid_address(2)).
    pub(super) stands: AtomicI32,
    pub(super) number: i32,
    // The stack that the thread really runs on: the green thread's, and at its end the slot.
    pub(super) bottom: AtomicUsize,
    pub(super) len: AtomicUsize,
}

struct Region {
    start: usize,
    places: [Place; SLOTS],
    next: *const Region,
}

/// The newest region; each leads to the one before it, and none ever goes: any thread may ask whether a
/// `pthread_t` is one of ours, at any time.
static REGIONS: AtomicPtr<Region> = AtomicPtr::new(ptr::null_mut());
/// Slots without a thread, the last one last.
static FREE: Mutex<Vec<&'static Place>> = Mutex::new(Vec::new());
/// The number of the next thread. Processes may share a mutex, so no two of them that live at once and
/// were begun one after the other have the same ones.
static NEXT_NUMBER: AtomicI32 = AtomicI32::new(FIRST_NUMBER);

/// Chooses the numbers of this process's threads. Before the first slot.
pub(super) fn choose_numbers() {
    const PROCESSES: i32 = 1 << 15;
    const THREADS: i32 = 1 << 14;
    let own = std::process::id().cast_signed() % PROCESSES * THREADS;
    NEXT_NUMBER.store(FIRST_NUMBER + own, Ordering::Relaxed);
}

/// Whether a thread of this number is a green one.
#[inline]
pub fn is_number(number: i32) -> bool {
    number >= FIRST_NUMBER
}

impl Place {
    /// glibc's word for the number of its thread.
    pub(super) fn number_word(&self) -> &'static AtomicI32 {
        // SAFETY: in the block of a thread whose memory is a region's, for ever.
        unsafe { layout::number_word(self.block.load(Ordering::Relaxed)) }
    }

    /// Whether no kernel thread stands on its stack.
    pub(super) fn has_left(&self) -> bool {
        self.stands.load(Ordering::Acquire) == 0
    }
}

/// Slots that are free.
pub(super) fn free() -> MutexGuard<'static, Vec<&'static Place>> {
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The place of a `pthread_t`; `None`: it is none of ours.
pub(super) fn place_of(thread: usize) -> Option<&'static Place> {
    let mut region: *const Region = REGIONS.load(Ordering::Acquire);
    // SAFETY: null, or a region that was leaked.
    while let Some(known) = unsafe { region.as_ref() } {
        let offset = thread.wrapping_sub(known.start);
        if offset < SLOTS * SLOT {
            let place = &known.places[offset / SLOT];
            return (place.block.load(Ordering::Relaxed) == thread).then_some(place);
        }
        region = known.next;
    }
    None
}

/// A slot that no kernel thread stands on.
pub(super) fn take_slot() -> io::Result<&'static Place> {
    let mut free = free();
    // One that has just been ended may still be running its destructors.
    if let Some(index) = free.iter().rposition(|place| place.has_left()) {
        return Ok(free.swap_remove(index));
    }
    free.extend(map_region()?.places.iter().rev());
    Ok(free.pop().expect("a region was just added"))
}

fn map_region() -> io::Result<&'static Region> {
    let (len, kind) = (SLOTS * SLOT, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE);
    // SAFETY: a new private mapping at an address of the kernel's choice.
    let start = unsafe {
        libc::mmap(ptr::null_mut(), len, libc::PROT_READ | libc::PROT_WRITE, kind, -1, 0)
    };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: our own mapping; the advice changes no contents. It fails where the kernel has no huge
    // pages, which is as good.
    unsafe { libc::madvise(start, len, libc::MADV_NOHUGEPAGE) };
    let first = NEXT_NUMBER.fetch_add(SLOTS as i32, Ordering::Relaxed);
    let start = start as usize;
    let place = |index: usize| Place {
        slot: start + index * SLOT,
        block: AtomicUsize::new(0),
        saved: AtomicUsize::new(0),
        stands: AtomicI32::new(0),
        number: first + index as i32,
        bottom: AtomicUsize::new(0),
        len: AtomicUsize::new(0),
    };
    let region = Box::leak(Box::new(Region {
        start,
        places: std::array::from_fn(place),
        next: REGIONS.load(Ordering::Acquire),
    }));
    REGIONS.store(region, Ordering::Release);
    Ok(region)
}
