//! How many arenas glibc's malloc keeps: it gives a new thread a new one, up to eight for each
//! processor, and green threads, of which one runs at a time, need none of their own.
#![allow(unsafe_code)]

use std::ffi::c_int;

/// Has it keep as many as there are processors, unless the operator has said how many.
pub fn limit() {
    // malloc.h.
    const M_ARENA_MAX: c_int = -8;
    let said = ["MALLOC_ARENA_MAX", "GLIBC_TUNABLES"].map(std::env::var_os);
    if said.iter().all(Option::is_none) {
        let processors = std::thread::available_parallelism().map_or(2, usize::from).max(2);
        // SAFETY: no pointers.
        unsafe { libc::mallopt(M_ARENA_MAX, c_int::try_from(processors).unwrap_or(c_int::MAX)) };
    }
}
