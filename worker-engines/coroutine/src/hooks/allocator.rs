//! The allocator, if the application brings one (jemalloc, preloaded): its mutexes block as they are.
//!
//! The engine allocates too, in the midst of its own work, where it may not switch. So a library that
//! answers `malloc` in libc's place is the one whose locks are never waited for by parking; it keeps
//! them for a moment only.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use libc::{dl_phdr_info, size_t};

static START: AtomicUsize = AtomicUsize::new(0);
static LEN: AtomicUsize = AtomicUsize::new(0);

/// Finds the allocator. Before green threads run.
pub fn find() {
    // SAFETY: the name ends in NUL; libc has it at least.
    let malloc = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"malloc".as_ptr()) };
    let mut found = Found { malloc: malloc as usize, library: 0..0 };
    // SAFETY: the callback gets our structure, which outlives the walk.
    unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut found).cast()) };
    START.store(found.library.start, Ordering::Relaxed);
    LEN.store(found.library.len(), Ordering::Relaxed);
}

/// Whether the code at `address` is the allocator's.
pub(super) fn contains(address: usize) -> bool {
    address.wrapping_sub(START.load(Ordering::Relaxed)) < LEN.load(Ordering::Relaxed)
}

struct Found {
    malloc: usize,
    library: Range<usize>,
}

unsafe extern "C" fn visit(info: *mut dl_phdr_info, _size: size_t, found: *mut c_void) -> c_int {
    // SAFETY: the walk gives a valid description, and back what `find` gave it.
    let (info, found) = unsafe { (&*info, &mut *found.cast::<Found>()) };
    // SAFETY: the description is of a loaded library.
    let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
    let code = headers.iter().filter(|header| {
        header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_X != 0 //
    });
    for header in code {
        let start = (info.dlpi_addr + header.p_vaddr) as usize;
        let library = start..start + header.p_memsz as usize;
        if library.contains(&found.malloc) {
            found.library = library;
            return 1;
        }
    }
    0
}
