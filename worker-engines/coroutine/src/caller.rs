//! Who has called and waits: code that listens when a wait ends early, or code that does not.
//!
//! An overdue request may end only waits of callers that are known to look why (CPython, which runs
//! signal handlers after `EINTR`). A C library's wait goes on: libpq tries again after `EINTR`, and
//! an error that the call cannot return would leave its connection in the middle of an answer that
//! the next request then reads as its own.
//!
//! Who called is seen from the stack, at the moment when it matters: a wait that ends in time pays
//! nothing for the question.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};

use unicoro_contract::{Attention, Handler};
use unicoro_sys::library::library_of;

/// The listener who has begun the wait in which this green thread stands; `None`: it was begun by
/// somebody else. To be asked on the stack of the green thread.
pub fn listener(handler: &dyn Handler) -> Option<Attention> {
    // The server itself does not listen: the client that it waits for has been parted with.
    handler.listens(caller()?)
}

/// Our own frames on the stack of a green thread, below and above the application's, are fewer.
const MOST_FRAMES: usize = 128;

/// Where the code stands that has called an interposed call; `None`: this program waits by itself.
fn caller() -> Option<usize> {
    let mut walk = Walk { own: library_of(caller as *const () as usize), frames: 0, found: None };
    // SAFETY: the callback has the unwinder's type, and `walk` outlives the call. It reads the frame
    // tables of our own functions, which every one has, and goes no further than the first frame of
    // others.
    unsafe { _Unwind_Backtrace(visit, (&raw mut walk).cast()) };
    walk.found
}

struct Walk {
    own: *mut c_void,
    frames: usize,
    found: Option<usize>,
}

/// `_Unwind_Reason_Code` of the Itanium C++ ABI, which libgcc keeps to.
const NO_REASON: c_int = 0;
const END_OF_STACK: c_int = 5;

unsafe extern "C" fn visit(context: *mut c_void, walk: *mut c_void) -> c_int {
    // SAFETY: `caller` passes its walk, which nobody else has meanwhile; the context is the
    // unwinder's own, valid during the call.
    let (walk, code) = unsafe { (&mut *walk.cast::<Walk>(), _Unwind_GetIP(context)) };
    walk.frames += 1;
    if library_of(code) != walk.own {
        walk.found = Some(code);
        return END_OF_STACK;
    }
    if walk.frames < MOST_FRAMES { NO_REASON } else { END_OF_STACK }
}

// From libgcc_s, which Rust's standard library is linked with for its panics.
unsafe extern "C" {
    fn _Unwind_Backtrace(
        visit: unsafe extern "C" fn(*mut c_void, *mut c_void) -> c_int,
        argument: *mut c_void,
    ) -> c_int;
    fn _Unwind_GetIP(context: *mut c_void) -> usize;
}
