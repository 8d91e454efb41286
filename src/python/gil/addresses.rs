//! Where the GIL's own locks lie, by which the engine knows a wait for it.
#![allow(unsafe_code)]

use std::ops::Range;
use std::ptr;

/// Where the GIL's condition variables lie: inside `_PyRuntime` in every version from 3.10 on, the
/// main interpreter's own included (3.12).
#[must_use]
pub fn gil_addresses() -> Range<usize> {
    // SAFETY: dlsym and dladdr1 read the loaded libraries; `info` and `symbol` outlive the call.
    unsafe {
        let start = libc::dlsym(libc::RTLD_DEFAULT, c"_PyRuntime".as_ptr());
        let mut info: libc::Dl_info = std::mem::zeroed();
        let mut symbol: *const libc::Elf64_Sym = ptr::null();
        let found = dladdr1(start, &raw mut info, (&raw mut symbol).cast(), RTLD_DL_SYMENT);
        if start.is_null() || found == 0 || symbol.is_null() {
            return 0..0;
        }
        start as usize..start as usize + (*symbol).st_size as usize
    }
}

/// dlfcn.h.
const RTLD_DL_SYMENT: libc::c_int = 1;

unsafe extern "C" {
    fn dladdr1(
        address: *const libc::c_void,
        info: *mut libc::Dl_info,
        extra: *mut *mut libc::c_void,
        flags: libc::c_int,
    ) -> libc::c_int;
}
