//! The loaded libraries, by an address in them.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::ptr;

/// Where the library, or executable, that has this code was loaded; null: there is none (dladdr(3)).
#[must_use]
pub fn library_of(code: usize) -> *mut c_void {
    // SAFETY: all zero is valid for what dladdr fills, which outlives the call; any address may be asked for.
    unsafe {
        let mut info: libc::Dl_info = std::mem::zeroed();
        let is_found = libc::dladdr(code as *const c_void, &raw mut info) != 0;
        if is_found { info.dli_fbase } else { ptr::null_mut() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_told_apart_by_its_library() {
        let own = library_of(library_of as *const () as usize);
        assert!(!own.is_null());
        assert_ne!(own, library_of(libc::malloc as *const () as usize));
        assert!(library_of(0).is_null());
    }
}
