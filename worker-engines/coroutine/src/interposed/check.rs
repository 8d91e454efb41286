//! Whether the interposed calls are in force: what a library would find under each name is ours.
//!
//! That is seen from where it lies too: the wheel's library is itself given, under its own names, what the
//! dynamic linker finds first.
#![allow(unsafe_code)]

use std::ffi::CStr;

use unicoro_sys::library::library_of;

use super::table::TABLE;
use crate::error::EngineError;

/// Checks every one.
///
/// # Errors
/// Some are not.
pub fn check() -> Result<(), EngineError> {
    let bypassed: Vec<_> = TABLE
        .iter()
        .flat_map(|calls| calls.iter())
        .filter(|call| {
            let found = found_by_libraries(call.name);
            found != call.address.cast_mut() || !is_ours(found as usize)
        })
        .map(|call| call.name.to_string_lossy())
        .collect();
    if bypassed.is_empty() {
        return Ok(());
    }
    Err(EngineError::Bypassed(bypassed.join(", ")))
}

/// An executable that is not position-independent, and needs the address of a function, has one for all
/// to find: an entry of its linkage table, which leads where every call leads. It defines none of these.
fn is_ours(found: usize) -> bool {
    // SAFETY: no pointers; where the executable's program headers were loaded.
    let program = unsafe { libc::getauxval(libc::AT_PHDR) } as usize;
    [is_ours as *const () as usize, program].map(library_of).contains(&library_of(found))
}

fn found_by_libraries(name: &CStr) -> *mut libc::c_void {
    // SAFETY: the name ends in NUL.
    unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }
}
