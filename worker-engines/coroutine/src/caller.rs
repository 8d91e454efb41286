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

use unicoro_contract::{Attention, Handler, Hearing};
use unicoro_sys::library::library_of;

/// The listener who has begun the wait in which this green thread stands; `None`: it was begun by
/// somebody else, or where nothing can be told. To be asked on the stack of the green thread.
pub fn listener(handler: &dyn Handler) -> Option<Attention> {
    let mut listener = None;
    let hears = walk(|code| {
        if listener.is_some() {
            return handler.hears(code);
        }
        listener = handler.listens(code);
        if listener.is_some() { Hearing::Unknown } else { Hearing::None }
    });
    // The server itself does not listen: the client that it waits for has been parted with.
    listener.filter(|_| hears)
}

/// Whether what this green thread stands in can be told anything. To be asked on its stack.
pub fn can_be_told(handler: &dyn Handler) -> bool {
    walk(|code| handler.hears(code))
}

/// Our own frames on the stack of a green thread, below and above the application's, are fewer; of the
/// application's so many are looked at.
const MOST_FRAMES: usize = 128;

/// Asks about the code that stands around an interposed call, from the inside; whether there is any, because
/// this program may wait by itself, and it hears.
fn walk(mut judge: impl FnMut(usize) -> Hearing) -> bool {
    let own = library_of(visit as *const () as usize);
    let mut walk = Walk { own, frames: 0, seen: None, judge: &mut judge };
    // SAFETY: the callback has the unwinder's type, and `walk` outlives the call. It reads the frame
    // tables of our own functions, which every one has, and of code that the judge has looked at.
    unsafe { _Unwind_Backtrace(visit, (&raw mut walk).cast()) };
    walk.seen.is_some_and(|hearing| hearing != Hearing::None)
}

struct Walk<'a> {
    own: *mut c_void,
    frames: usize,
    // What was said about the last one.
    seen: Option<Hearing>,
    judge: &'a mut dyn FnMut(usize) -> Hearing,
}

/// `_Unwind_Reason_Code` of the Itanium C++ ABI, which libgcc keeps to.
const NO_REASON: c_int = 0;
const END_OF_STACK: c_int = 5;

unsafe extern "C" fn visit(context: *mut c_void, walk: *mut c_void) -> c_int {
    // SAFETY: `walk` passes its own, which nobody else has meanwhile; the context is the unwinder's own,
    // valid during the call.
    let (walk, code) = unsafe { (&mut *walk.cast::<Walk>(), _Unwind_GetIP(context)) };
    walk.frames += 1;
    let is_own = walk.seen.is_none() && library_of(code) == walk.own;
    if !is_own {
        walk.seen = Some((walk.judge)(code));
    }
    let goes_on = is_own || walk.seen == Some(Hearing::Unknown);
    if goes_on && walk.frames < MOST_FRAMES { NO_REASON } else { END_OF_STACK }
}

// From libgcc_s, which Rust's standard library is linked with for its panics.
unsafe extern "C" {
    fn _Unwind_Backtrace(
        visit: unsafe extern "C" fn(*mut c_void, *mut c_void) -> c_int,
        argument: *mut c_void,
    ) -> c_int;
    fn _Unwind_GetIP(context: *mut c_void) -> usize;
}
