//! The allocator, if the application brings one (jemalloc, preloaded): its mutexes block as they are.
//!
//! The engine allocates too, in the midst of its own work, where it may not switch. So a library that
//! answers `malloc` in libc's place is the one whose locks are never waited for by parking; it keeps
//! them for a moment only.
#![allow(unsafe_code)]

use crate::interposed::machinery::code::Code;

static CODE: Code = Code::unknown();

/// Finds the allocator. Before green threads run.
pub fn find() {
    // SAFETY: the name ends in NUL; libc has it at least.
    let malloc = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"malloc".as_ptr()) };
    CODE.find(malloc as usize);
}

/// Whether the code at `address` is the allocator's.
pub fn contains(address: usize) -> bool {
    CODE.contains(address)
}
