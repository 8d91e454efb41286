//! Which code listens when a wait ends with `EINTR`: CPython's own, which looks for signals
//! then, and their handlers may raise (PEP 475); and gevent's event loop. A C library tries again, or
//! takes it for an error of its connection; it must not be told. And where nobody is told, because CPython
//! would lose the exception: in what gets ready for a fork, which takes locks that are given back after it.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_void};
use std::path::Path;
use std::ptr;

use pyo3::ffi;
use unicoro_contract::{Attention, Hearing};
use unicoro_sys::library::library_of;

use crate::python::interp::fork::PyOS_BeforeFork;

/// How the code at this address listens; `None`: it does not.
pub fn listener(code: usize) -> Option<Attention> {
    let (base, path) = library(code)?;
    if ptr::eq(base, interpreter()) {
        return Some(Attention::Signals);
    }
    if is_of_the_standard_library(path) {
        Some(Attention::Signals)
    } else {
        is_an_event_loop(path).then_some(Attention::EventLoop)
    }
}

/// Whether CPython passes on what is raised below this code, which has called and not yet returned. The
/// stack of a greenlet begins in its library, and what is above belongs to another.
pub fn hearing(code: usize) -> Hearing {
    // SAFETY: reads the frame tables, as the unwinder does. A call may be the last thing in a function.
    let function = unsafe { _Unwind_FindEnclosingFunction(code.wrapping_sub(1) as *mut c_void) };
    if ptr::eq(function, PyOS_BeforeFork as *const c_void) {
        return Hearing::None;
    }
    match library(code) {
        Some((_, path)) if !is_greenlets(path) => Hearing::Unknown,
        _ => Hearing::Full,
    }
}

/// Where the library that has this code was loaded, and from which file.
fn library(code: usize) -> Option<(*mut c_void, &'static Path)> {
    // SAFETY: all zero is valid for what dladdr fills.
    let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
    // SAFETY: any address may be asked for; `info` outlives the call.
    if unsafe { libc::dladdr(code as *const c_void, &raw mut info) } == 0 {
        return None;
    }
    // SAFETY: a string that ends in NUL, of a library that is loaded: one whose code runs stays so.
    let path = unsafe { CStr::from_ptr(info.dli_fname) };
    Some((info.dli_fbase, Path::new(path.to_str().ok()?)))
}

unsafe extern "C" {
    // Of libgcc_s, as what reads the stack (see the coroutine engine's `caller`).
    fn _Unwind_FindEnclosingFunction(code: *mut c_void) -> *mut c_void;
}

/// Where the interpreter's code was loaded: libpython, or the executable that has it inside.
fn interpreter() -> *mut c_void {
    library_of(ffi::Py_IsInitialized as *const () as usize)
}

/// Whether an extension module is CPython's own (`_socket`, `select`, `_ssl`). Not ctypes, which
/// may hold libffi and with it the calls of every C library.
fn is_of_the_standard_library(path: &Path) -> bool {
    let directory = path.parent().and_then(Path::file_name);
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    directory.is_some_and(|directory| directory == "lib-dynload") && !name.starts_with("_ctypes")
}

/// Whether it is gevent's, which looks for signals in the main thread's loop only.
fn is_an_event_loop(path: &Path) -> bool {
    let directory = path.parent().unwrap_or(path);
    ["gevent/libev", "gevent/libuv"].iter().any(|place| directory.ends_with(place))
}

fn is_greenlets(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with("_greenlet")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpython_listens_and_c_libraries_do_not() {
        let listens = |code: *const ()| listener(code as usize);
        assert_eq!(listens(ffi::PyErr_CheckSignals as *const ()), Some(Attention::Signals));
        assert_eq!(listens(libc::malloc as *const ()), None);
        assert_eq!(listens(listener as *const ()), None, "the server itself is asked elsewhere");
        assert_eq!(listens(ptr::null()), None);
        let is_own = |path: &str| is_of_the_standard_library(Path::new(path));
        assert!(is_own("/usr/lib/python3.11/lib-dynload/_socket.cpython-311-x86_64-linux-gnu.so"));
        assert!(!is_own("/usr/lib/python3.11/lib-dynload/_ctypes.cpython-311-x86_64-linux-gnu.so"));
        assert!(!is_own("/venv/lib/python3.11/site-packages/_cffi_backend.so"));
        assert!(!is_own("/venv/psycopg2_binary.libs/libpq-9b38f5e3.so.5.17"));
        let is_loop = |path: &str| is_an_event_loop(Path::new(path));
        assert!(is_loop(
            "/venv/site-packages/gevent/libev/corecext.cpython-311-x86_64-linux-gnu.so"
        ));
        assert!(!is_loop("/srv/gevent/venv/psycopg2_binary.libs/libpq-9b38f5e3.so.5.17"));
        assert!(!is_loop("/venv/site-packages/greenlet/_greenlet.cpython-311-x86_64-linux-gnu.so"));
    }
}
