//! Where the code of one loaded library lies.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use libc::{dl_phdr_info, size_t};

/// The code of a library, once it is found.
pub struct Code {
    start: AtomicUsize,
    len: AtomicUsize,
}

impl Code {
    /// Not found yet.
    pub const fn unknown() -> Self {
        Self { start: AtomicUsize::new(0), len: AtomicUsize::new(0) }
    }

    /// Finds the library that has code at `address`.
    pub fn find(&self, address: usize) {
        let mut found = Found { address, code: 0..0 };
        // SAFETY: the callback gets our structure, which outlives the walk.
        unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut found).cast()) };
        self.start.store(found.code.start, Ordering::Relaxed);
        self.len.store(found.code.len(), Ordering::Relaxed);
    }

    /// Whether the code at `address` is this library's.
    pub fn contains(&self, address: usize) -> bool {
        address.wrapping_sub(self.start.load(Ordering::Relaxed)) < self.len.load(Ordering::Relaxed)
    }
}

struct Found {
    address: usize,
    code: Range<usize>,
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
        let code = start..start + header.p_memsz as usize;
        if code.contains(&found.address) {
            found.code = code;
            return 1;
        }
    }
    0
}
