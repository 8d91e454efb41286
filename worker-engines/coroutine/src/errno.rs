//! errno: of the thread, or green thread, that calls.
#![allow(unsafe_code)]

/// The calling thread's errno.
pub fn errno() -> i32 {
    // SAFETY: the address is valid for the calling thread.
    unsafe { *libc::__errno_location() }
}

/// Sets the calling thread's errno.
pub fn set_errno(value: i32) {
    // SAFETY: the address is valid for the calling thread.
    unsafe { *libc::__errno_location() = value };
}
