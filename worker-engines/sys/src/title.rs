//! The process's title: what ps, top and /proc show.
//!
//! ```text
//!   the kernel's block:  argv[0] \0 argv[1] \0 ... \0 | env[0] \0 env[1] \0 ... \0
//!   afterwards:          title \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0
//! ```
//!
//! ps prints the bytes where the kernel put the arguments. They are overwritten, and the
//! environment behind them too, after its strings were copied elsewhere.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::fs;
use std::ptr;
use std::sync::OnceLock;

use rustix::thread::set_name;

/// The longest name of a thread, without its NUL (prctl(2), PR_SET_NAME).
const NAME_BYTES: usize = 15;

unsafe extern "C" {
    static mut environ: *mut *mut libc::c_char;
}

/// Where the title goes: address and length, or `None` if it cannot be found.
static ROOM: OnceLock<Option<(usize, usize)>> = OnceLock::new();

/// Sets the title, as far as there is room. The first call must come while the process has one
/// thread, because it moves the environment.
pub fn set_title(title: &str) {
    if let Some((start, length)) = *ROOM.get_or_init(make_room) {
        let text = &title.as_bytes()[..title.len().min(length - 1)];
        // SAFETY: `make_room` has found these bytes to be the arguments' and the environment's, which
        // nobody reads any more: `main` has asked std for the arguments already, CPython was given
        // copies, and `make_room` has moved the environment.
        unsafe {
            let room = start as *mut u8;
            ptr::write_bytes(room, 0, length);
            ptr::copy_nonoverlapping(text.as_ptr(), room, text.len());
        }
    }
    let mut name = [0u8; NAME_BYTES + 1];
    let short = &title.as_bytes()[..title.len().min(NAME_BYTES)];
    name[..short.len()].copy_from_slice(short);
    if let Ok(name) = CStr::from_bytes_until_nul(&name) {
        // Fails for no name that fits.
        let _ = set_name(name);
    }
}

fn make_room() -> Option<(usize, usize)> {
    let (start, mut end) = arguments()?;
    // SAFETY: one thread, see `set_title`; libc keeps `environ` a NULL-terminated array of strings.
    // The copies are never freed: they are the environment from now on.
    unsafe {
        let mut entry = environ;
        while !entry.is_null() && !(*entry).is_null() {
            let text = CStr::from_ptr(*entry);
            // Only what lies right behind is ours to overwrite; setenv puts strings elsewhere.
            if *entry as usize == end {
                end += text.to_bytes_with_nul().len();
            }
            *entry = text.to_owned().into_raw();
            entry = entry.add(1);
        }
    }
    (end - start > 1).then_some((start, end - start))
}

/// The kernel's block of arguments: fields 48 and 49 of /proc/self/stat, proc(5).
fn arguments() -> Option<(usize, usize)> {
    const ARG_START: usize = 48;
    // Field 2 is in parentheses and may hold blanks; the next one is field 3.
    const AFTER_NAME: usize = 3;
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(ARG_START - AFTER_NAME);
    let (start, end) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    (0 < start && start < end).then_some((start, end))
}
