//! The functions of libc that this program interposes its own in front of: symbols of the executable come
//! first in the dynamic linker's search, the real ones are found behind them (`RTLD_NEXT`).
#![allow(unsafe_code)]

use std::ffi::{CStr, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// A function of libc, looked up at its first use: constructors of libraries make interposed calls before
/// `main`.
#[derive(Debug)]
pub struct Real {
    name: &'static CStr,
    version: Option<&'static CStr>,
    address: AtomicPtr<c_void>,
}

impl Real {
    /// The one that the dynamic linker finds behind this program's own.
    #[must_use]
    pub const fn new(name: &'static CStr) -> Self {
        Self { name, version: None, address: AtomicPtr::new(ptr::null_mut()) }
    }

    /// For functions of which glibc has several: the unversioned look-up finds the oldest.
    #[must_use]
    pub const fn versioned(name: &'static CStr, version: &'static CStr) -> Self {
        Self { name, version: Some(version), address: AtomicPtr::new(ptr::null_mut()) }
    }

    /// The address of libc's function.
    #[inline]
    pub fn address(&self) -> *mut c_void {
        let known = self.address.load(Ordering::Relaxed);
        if known.is_null() { self.find() } else { known }
    }

    #[cold]
    fn find(&self) -> *mut c_void {
        let mut found = ptr::null_mut();
        if let Some(version) = self.version {
            // SAFETY: both strings end in NUL.
            found = unsafe { libc::dlvsym(libc::RTLD_NEXT, self.name.as_ptr(), version.as_ptr()) };
        }
        // A younger architecture's glibc has one version of all, and calls it otherwise.
        if found.is_null() {
            // SAFETY: the string ends in NUL.
            found = unsafe { libc::dlsym(libc::RTLD_NEXT, self.name.as_ptr()) };
        }
        if found.is_null() {
            // Every name of the table is in every glibc since 2.30; there is nobody to tell.
            // SAFETY: ends the process.
            unsafe { libc::abort() };
        }
        self.address.store(found, Ordering::Relaxed);
        found
    }
}
