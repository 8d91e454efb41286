//! Functions that take a thread, of what a green thread has no own of: a kernel thread.
//!
//! A `pthread_t` of a green thread is translated: to the scheduler's thread where the function asks
//! about the kernel's thread, to the stack that the green thread really runs on, to the process where
//! it sends a signal (the scheduler's thread blocks signals; the main thread takes them, as CPython
//! expects). Any OS thread may call these with any thread.
#![allow(unsafe_code)]

use std::ffi::{c_char, c_void};
use std::sync::atomic::{AtomicUsize, Ordering};

use libc::{
    c_int, clockid_t, cpu_set_t, pid_t, pthread_attr_t, pthread_t, sched_param, sigval, size_t,
};

use unicoro_contract::interrupt;
use unicoro_reactor::OWN;
use unicoro_sys::signal::Signal;

use crate::errno::errno;
use crate::interposed::machinery::call::{Call, c_name, real};
use crate::interposed::machinery::readiness::fail;
use crate::{fork, green, progress, thread_block};

/// Defines interposed calls: `fn name(thread, arguments) |real, found| { body }`, with the body for a
/// green thread, and `found` the OS thread behind it. For any other thread it is the real call.
macro_rules! thread_calls {
    ($(
        $(#[$doc:meta])*
        fn $name:ident ( $thread:ident $(, $arg:ident : $type:ty)* )
        $(@ $version:literal)? |$real:ident, $found:ident| $body:block
    )*) => {
        $(
            $(#[$doc])*
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name($thread: pthread_t $(, $arg: $type)*) -> c_int {
                type Function = unsafe extern "C" fn(pthread_t $(, $type)*) -> c_int;
                let $real = real!($name: Function $(, $version)?);
                if !thread_block::is_one($thread as usize) {
                    // SAFETY: the caller's arguments, unchanged.
                    return unsafe { $real($thread $(, $arg)*) };
                }
                let $found = progress::os_thread() as pthread_t;
                $body
            }
        )*

        pub static TAKING_A_THREAD: &[Call] =
            &[$(Call::new(c_name!($name), $name as *const c_void)),*];
    };
}

thread_calls! {
    fn pthread_detach(thread) |_real, _found| {
        libc::EINVAL
    }

    fn pthread_getaffinity_np(thread, size: size_t, set: *mut cpu_set_t) @ c"GLIBC_2.3.4"
    |real, found| {
        // SAFETY: a thread that lives as long as the process; the caller's arguments.
        unsafe { real(found, size, set) }
    }

    /// The green thread's own stack: CPython 3.14 measures by it how deep it may recurse.
    fn pthread_getattr_np(thread, attributes: *mut pthread_attr_t) |_real, _found| {
        let Some(stack) = thread_block::stack_of(thread as usize) else { return libc::ESRCH };
        // SAFETY: the caller's room for attributes, initialised here.
        unsafe {
            libc::pthread_attr_init(attributes);
            libc::pthread_attr_setstack(attributes, stack.start as *mut c_void, stack.len())
        }
    }

    fn pthread_getcpuclockid(thread, clock: *mut clockid_t) |real, found| {
        // SAFETY: as in pthread_getaffinity_np.
        unsafe { real(found, clock) }
    }

    fn pthread_getname_np(thread, name: *mut c_char, len: size_t) |real, found| {
        // SAFETY: as in pthread_getaffinity_np.
        unsafe { real(found, name, len) }
    }

    fn pthread_getschedparam(thread, policy: *mut c_int, param: *mut sched_param) |real, found| {
        // SAFETY: as in pthread_getaffinity_np.
        unsafe { real(found, policy, param) }
    }

    /// A green thread can be joined by nobody.
    fn pthread_join(thread, _result: *mut *mut c_void) |_real, _found| {
        if thread_block::current() == thread as usize { libc::EDEADLK } else { libc::EINVAL }
    }

    fn pthread_kill(thread, signal: c_int) |real, found| {
        if signal == 0 || is_own_fault(signal) {
            // SAFETY: as in pthread_getaffinity_np.
            unsafe { real(found, signal) }
        } else {
            to_process(signal)
        }
    }

    fn pthread_setaffinity_np(thread, size: size_t, set: *const cpu_set_t) @ c"GLIBC_2.3.4"
    |real, found| {
        // SAFETY: as in pthread_getaffinity_np.
        unsafe { real(found, size, set) }
    }

    /// A name would be that of all green threads: it is taken for done.
    fn pthread_setname_np(thread, _name: *const c_char) |_real, _found| {
        0
    }

    fn pthread_setschedparam(thread, policy: c_int, param: *const sched_param) |real, found| {
        // SAFETY: as in pthread_getaffinity_np.
        unsafe { real(found, policy, param) }
    }

    fn pthread_setschedprio(thread, priority: c_int) |real, found| {
        // SAFETY: as in pthread_getaffinity_np.
        unsafe { real(found, priority) }
    }

    fn pthread_sigqueue(thread, signal: c_int, value: sigval) |_real, _found| {
        // SAFETY: no pointers that anybody here follows.
        match unsafe { libc::sigqueue(own_process(), signal, value) } {
            0 => 0,
            _ => errno(),
        }
    }
}

static MAIN: AtomicUsize = AtomicUsize::new(0);

/// Remembers the main thread, which calls.
pub fn remember_main_thread() {
    MAIN.store(thread_block::current(), Ordering::Relaxed);
}

/// The thread that calls, as glibc's answers; or the main thread, for which a green thread passes while
/// CPython looks for its signals.
#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_self() -> pthread_t {
    if !interrupt().poses_as_main {
        return thread_block::current() as pthread_t;
    }
    if let Some(green) = green::current() {
        green.deadline().leave_signal();
    }
    MAIN.load(Ordering::Relaxed) as pthread_t
}

/// Sends a signal to whoever calls; a green thread is the process.
#[unsafe(no_mangle)]
unsafe extern "C" fn raise(signal: c_int) -> c_int {
    if green::current().is_some() && !is_own_fault(signal) && !fork::is_other_process() {
        return match to_process(signal) {
            0 => 0,
            error => fail(error),
        };
    }
    let real = real!(raise: unsafe extern "C" fn(c_int) -> c_int);
    // SAFETY: the caller's argument.
    unsafe { real(signal) }
}

pub static OF_THE_CALLER: &[Call] = &[
    Call::new(c"pthread_self", pthread_self as *const c_void),
    Call::new(c"raise", raise as *const c_void),
];

/// Signals that the scheduler's thread does not block: those that a thread brings upon itself.
fn is_own_fault(signal: c_int) -> bool {
    OWN.contains(&Signal::from_raw(signal)) || signal == libc::SIGABRT
}

fn to_process(signal: c_int) -> c_int {
    // SAFETY: no pointers.
    match unsafe { libc::kill(own_process(), signal) } {
        0 => 0,
        _ => errno(),
    }
}

fn own_process() -> pid_t {
    // SAFETY: no arguments.
    unsafe { libc::getpid() }
}
