//! A green thread as CPython sees it: a `PyThreadState` of its own.
//!
//! ```text
//!   one OS thread      autoTSSkey, CPython's "this OS thread's state", follows every switch
//!   ├ green thread 1   PyThreadState A    detached (parked in recv)
//!   ├ green thread 2   PyThreadState B    attached (runs bytecode)
//!   └ green thread 3   PyThreadState C    detached (parked in sem_wait)
//! ```
//!
//! The rules, each of which was broken on purpose and seen to crash (DESIGN.md, section 2): switch
//! only while detached; the slot is this green thread's state from its first instruction to its
//! last, because a C library's callback (`PyGILState_Ensure`) looks there; a state is made with an
//! empty slot, and cleared and deleted in its own green thread.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::io;
use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use pyo3::{PyErr, Python, ffi};
use unicoro_contract::{GreenState, Listener};

use super::attach::{attached, attached_again, detached};
use super::current_state;
use super::gevent;
use super::library_locals::{self, Locals};
use super::listeners;
use super::request_timeout;
use super::thread_keys::Values;

thread_local! {
    static CURRENT: Cell<*const GreenThreadState> = const { Cell::new(ptr::null()) };
    // The state of an engine's OS thread, for as long as the thread lives.
    static LASTING: Cell<*mut ffi::PyThreadState> = const { Cell::new(ptr::null_mut()) };
}

/// The pthread key of CPython's slot (`_PyRuntime.gilstate.autoTSSkey`), found by [`find_slot`].
static SLOT: AtomicU32 = AtomicU32::new(u32::MAX);

/// A green thread's `PyThreadState`.
pub struct GreenThreadState {
    // Null from the moment at which it is deleted.
    state: Cell<*mut ffi::PyThreadState>,
    // What was in CPython's slot when it last left the processor: its own state; from 3.12 on, that of
    // a sub-interpreter that its code runs; after the end of its own, one that a destructor in C had
    // made for it (PyGILState_Ensure), and waits in the middle of using.
    slot: Cell<*mut ffi::PyThreadState>,
    // Between the first step towards the GIL and the last one away from it. Outside, the Rust side
    // of the server runs, whose calls must not park behind its back.
    in_python: Cell<bool>,
    // It leaves the processor with the GIL.
    keeps_lock: Cell<bool>,
    locals: Locals,
    keys: Values,
}

impl GreenThreadState {
    /// Makes the state of the green thread that calls.
    ///
    /// # Errors
    /// No memory for it.
    pub fn new() -> io::Result<Box<Self>> {
        set_slot(ptr::null_mut());
        // SAFETY: the interpreter runs; the slot is empty, so the new state takes it and belongs
        // to the identity that this green thread has now.
        let state = unsafe { ffi::PyThreadState_New(ffi::PyInterpreterState_Main()) };
        if state.is_null() {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        let green = Box::new(Self {
            state: Cell::new(state),
            slot: Cell::new(state),
            in_python: Cell::new(false),
            keeps_lock: Cell::new(false),
            locals: Locals::default(),
            keys: Values::default(),
        });
        green.resume();
        Ok(green)
    }

    /// Runs `body`, which takes and gives the GIL, as "in Python".
    pub(super) fn enter<R>(&self, body: impl FnOnce(*mut ffi::PyThreadState) -> R) -> R {
        let nested = self.in_python.replace(true);
        debug_assert!(!nested, "a green thread attaches twice");
        let result = body(self.state.get());
        self.in_python.set(nested);
        result
    }

    /// What C libraries keep for it.
    pub(super) fn locals(&self) -> &Locals {
        &self.locals
    }

    /// The values of C libraries' keys.
    pub(super) fn keys(&self) -> &Values {
        &self.keys
    }

    /// Whether a state is attached here: our own, or that of a sub-interpreter that our code runs.
    fn is_attached(&self) -> bool {
        let current = current_state::current();
        // From 3.12 on the current state is the OS thread's.
        if cfg!(Py_3_12) || current.is_null() {
            return !current.is_null();
        }
        // Before, it is the whole process's, and another OS thread may hold the GIL. With one
        // interpreter it must be that; with more nobody can tell, so nobody switches.
        let own = if self.state.get().is_null() { in_slot() } else { self.state.get() };
        // SAFETY: reads two variables; the newest interpreter is the head of the list.
        ptr::eq(current, own)
            || unsafe { !ptr::eq(ffi::PyInterpreterState_Head(), ffi::PyInterpreterState_Main()) }
    }

    /// Deletes the state, which finalises the thread's objects.
    fn delete(&self) {
        // SAFETY: our own state, detached, in its own green thread. What it finalises may give the GIL
        // up and wait; deleting gives it up for good.
        unsafe {
            ffi::PyEval_RestoreThread(self.state.get());
            ffi::PyThreadState_Clear(self.state.get());
            // Nobody asks for it before the GIL is free, when another state may be made in its place.
            self.state.set(ptr::null_mut());
            ffi::PyThreadState_DeleteCurrent();
        }
        // A thread's destructors find no state of Python's.
        set_slot(ptr::null_mut());
    }
}

impl GreenState for GreenThreadState {
    fn may_park(&self) -> bool {
        self.in_python.get() && !self.is_attached()
    }

    fn may_keep_lock(&self) -> bool {
        let state = self.state.get();
        self.in_python.get()
            && !state.is_null()
            && ptr::eq(current_state::current(), state)
            && current_state::can_be_set()
    }

    fn keep_lock(&self, keeps: bool) {
        self.keeps_lock.set(keeps);
    }

    fn suspend(&self) {
        if self.keeps_lock.get() {
            current_state::set(ptr::null_mut());
        }
        self.slot.set(in_slot());
        self.locals.exchange();
        CURRENT.set(ptr::null());
    }

    fn resume(&self) {
        CURRENT.set(self);
        self.locals.exchange();
        set_slot(self.slot.get());
        if self.keeps_lock.get() {
            current_state::set(self.state.get());
        }
    }

    fn owns_locals_of(&self, code: usize) -> bool {
        library_locals::is_known(code)
    }

    fn after_request(&self) {
        if self.locals.are_used() {
            attached(gevent::after_request);
        }
    }

    fn listens(&self, code: usize) -> Option<Listener> {
        listeners::listener(code)
    }

    fn interrupt(&self, listener: Listener) {
        match listener {
            Listener::Signals => request_timeout::trip(),
            Listener::EventLoop => attached_again(self.state.get(), gevent::interrupt),
        }
    }

    fn set_computing(&self, identity: usize, is_computing: bool) {
        request_timeout::set_computing(identity, self.state.get(), is_computing);
    }

    /// Its thread-locals close: Python's, then those of C libraries, as at the end of a thread.
    fn end(&self) {
        if self.locals.are_used() {
            attached(gevent::at_end);
        }
        self.in_python.set(true);
        self.delete();
        if self.locals.end() | self.keys.end() {
            HAS_PENDING.store(true, Ordering::Relaxed);
        }
        self.in_python.set(false);
    }
}

impl Drop for GreenThreadState {
    /// The green thread has ended.
    fn drop(&mut self) {
        self.locals.exchange();
        CURRENT.set(ptr::null());
    }
}

/// A thread's destructors, which run without a state, may have left the rest of their work to
/// `Py_AddPendingCall`, as greenlet's do.
static HAS_PENDING: AtomicBool = AtomicBool::new(false);

/// Runs what was left to the main thread, which calls: it runs no bytecode of its own that would.
pub fn run_pending_calls() {
    if HAS_PENDING.swap(false, Ordering::Relaxed) {
        attached(|py| {
            // SAFETY: attached, on the main thread.
            if unsafe { ffi::Py_MakePendingCalls() } != 0
                && let Some(error) = PyErr::take(py)
            {
                error.write_unraisable(py, None);
            }
        });
    }
}

/// The state of the green thread that runs on this OS thread.
pub(super) fn current() -> Option<&'static GreenThreadState> {
    let current = CURRENT.get();
    // SAFETY: not null: it belongs to the green thread that calls, and outlives the call.
    (!current.is_null()).then(|| unsafe { &*current })
}

/// Runs `body` on an OS thread of the engine's with one state for all of its life, so that what
/// Python keeps by thread lasts; and so that pyo3 counts the thread as attached for good (see
/// [`super::attach`]).
pub fn on_engine_thread(body: &mut dyn FnMut()) {
    attached(|py| {
        // SAFETY: needs no GIL; the state of this thread.
        LASTING.set(unsafe { ffi::PyGILState_GetThisThreadState() });
        detached(py, body);
        LASTING.set(ptr::null_mut());
    });
}

/// The lasting state of this OS thread, in force: for code outside any green thread.
pub(super) fn lasting() -> Option<*mut ffi::PyThreadState> {
    let state = LASTING.get();
    if state.is_null() {
        return None;
    }
    // The green thread that ran last may have left its own.
    if SLOT.load(Ordering::Relaxed) != u32::MAX {
        set_slot(state);
    }
    Some(state)
}

/// Finds CPython's slot: the pthread key that holds this thread's state, confirmed by emptying it.
/// Called with the GIL held, on a thread that has a state.
///
/// # Errors
/// A text for the operator: this CPython keeps its slot elsewhere.
pub(super) fn find_slot(_py: Python<'_>) -> Result<(), String> {
    // SAFETY: needs no GIL; reads the slot.
    let state = unsafe { ffi::PyGILState_GetThisThreadState() };
    // SAFETY: pthread_getspecific takes any number; unused keys give null.
    let holds = |key: &u32| unsafe { libc::pthread_getspecific(*key) } == state.cast();
    let empties = |key: &u32| {
        // SAFETY: the key holds a value of this thread's, which is put back at once.
        unsafe {
            libc::pthread_setspecific(*key, ptr::null());
            let emptied = ffi::PyGILState_GetThisThreadState().is_null();
            libc::pthread_setspecific(*key, state.cast());
            emptied
        }
    };
    let slot = (0..PTHREAD_KEYS).filter(holds).find(empties);
    let slot = slot.ok_or(
        "this CPython keeps its thread slot where it cannot be found; green threads need \
         CPython 3.10 to 3.14 with the GIL: use -k sync",
    )?;
    SLOT.store(slot, Ordering::Relaxed);
    Ok(())
}

/// PTHREAD_KEYS_MAX of glibc (limits.h).
const PTHREAD_KEYS: u32 = 1024;

fn set_slot(state: *mut ffi::PyThreadState) {
    // SAFETY: the key of CPython's slot; only what CPython itself would store goes there.
    unsafe { libc::pthread_setspecific(SLOT.load(Ordering::Relaxed), state.cast()) };
}

fn in_slot() -> *mut ffi::PyThreadState {
    // SAFETY: the key of CPython's slot.
    unsafe { libc::pthread_getspecific(SLOT.load(Ordering::Relaxed)) }.cast()
}

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
