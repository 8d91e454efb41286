//! Whether the interposed calls are in force: what a library would find under each name is ours.
#![allow(unsafe_code)]

use std::ffi::CStr;

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
        .filter(|call| found_by_libraries(call.name) != call.address.cast_mut())
        .map(|call| call.name.to_string_lossy())
        .collect();
    if bypassed.is_empty() {
        return Ok(());
    }
    Err(EngineError::Bypassed(bypassed.join(", ")))
}

fn found_by_libraries(name: &CStr) -> *mut libc::c_void {
    // SAFETY: the name ends in NUL.
    unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }
}
