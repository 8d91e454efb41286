//! What happens when the dynamic linker has preloaded the library, before the interpreter begins.
#![allow(unsafe_code)]

use std::env;
use std::ffi::{CStr, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::sync::atomic::{AtomicBool, Ordering};

/// Where the dynamic linker finds what to preload (ld.so(8)), separated by colons or blanks.
const PRELOAD: &str = "LD_PRELOAD";
/// By which the script learns that it need not start the interpreter once more.
const DONE: &str = "UNICORO_PRELOAD";
/// A path that holds a separator goes by a descriptor.
const BY_DESCRIPTOR: &str = "/proc/self/fd/";

static IS_PRELOADED: AtomicBool = AtomicBool::new(false);

/// Whether it was, in this process.
pub fn is_preloaded() -> bool {
    IS_PRELOADED.load(Ordering::Relaxed)
}

/// The dynamic linker calls it when the library is loaded: mostly before `main`, with one thread.
#[used]
#[unsafe(link_section = ".init_array")]
static BEGIN: extern "C" fn() = begin;

extern "C" fn begin() {
    let (Some(entries), Some(own)) = (env::var_os(PRELOAD), own_path()) else { return };
    let mut is_ours = false;
    let others: Vec<&[u8]> = entries
        .as_bytes()
        .split(|byte| matches!(byte, b':' | b' '))
        .filter(|entry| !entry.is_empty())
        .filter(|entry| {
            let is_own = *entry == own.as_bytes();
            is_ours |= is_own;
            !is_own
        })
        .collect();
    // Imported, in a process that has preloaded something else.
    if !is_ours {
        return;
    }
    IS_PRELOADED.store(true, Ordering::Relaxed);
    // SAFETY: one thread, before `main`: nobody reads the environment meanwhile.
    unsafe {
        // Not for children, which are other programs.
        match &others[..] {
            [] => env::remove_var(PRELOAD),
            others => env::set_var(PRELOAD, OsStr::from_bytes(&others.join(&b':'))),
        }
        env::set_var(DONE, format!("done {}", std::process::id()));
    }
    close(&own);
    unicoro::command::begin();
}

/// As the dynamic linker was given it.
fn own_path() -> Option<OsString> {
    // SAFETY: all zero is valid for what dladdr fills, which outlives the call; the name ends in NUL.
    unsafe {
        let mut info: libc::Dl_info = std::mem::zeroed();
        if libc::dladdr(begin as *const libc::c_void, &raw mut info) == 0 {
            return None;
        }
        Some(OsString::from_vec(CStr::from_ptr(info.dli_fname).to_bytes().to_vec()))
    }
}

/// The descriptor that the script has left open for the dynamic linker, if it has.
fn close(own: &OsStr) {
    let number = own.to_str().and_then(|path| path.strip_prefix(BY_DESCRIPTOR)?.parse().ok());
    if let Some(number) = number {
        // SAFETY: the script's, who is gone.
        unsafe { libc::close(number) };
    }
}
