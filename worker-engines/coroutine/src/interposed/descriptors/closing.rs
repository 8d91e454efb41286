//! close, dup2, dup3, `close_range`: what ends a descriptor wakes whoever waits for it, on any
//! thread. epoll never would.
//!
//! The child of a vfork (subprocess) closes descriptors too, in our memory but not ours: whether
//! this is our process is asked before anybody is woken. Outside of that case these cost one look
//! at a bit.
#![allow(unsafe_code)]

use std::os::fd::RawFd;

use libc::{c_int, c_uint};

use crate::descriptors::Descriptors;
use crate::interposed::machinery::call::{Call, real};
use crate::interposed::machinery::tally::Tally;
use crate::{fork, green, watched};
use unicoro_reactor::Epoll;

#[unsafe(no_mangle)]
unsafe extern "C" fn close(fd: c_int) -> c_int {
    type Function = unsafe extern "C" fn(c_int) -> c_int;
    let real = real!(close: Function);
    let is_watched = watched::contains(fd) && !fork::is_other_process();
    // Before the close, while epoll can still be told to forget the file.
    let is_known = is_watched && tell(|waits, epoll| waits.closed(epoll, fd));
    CLOSE_TALLY.count(green::current().is_some());
    // SAFETY: the caller's descriptor.
    let done = unsafe { real(fd) };
    if is_watched && !is_known {
        watched::closed_elsewhere(watched::group(fd));
    }
    done
}

#[unsafe(no_mangle)]
unsafe extern "C" fn dup2(old: c_int, new: c_int) -> c_int {
    type Function = unsafe extern "C" fn(c_int, c_int) -> c_int;
    let real = real!(dup2: Function);
    // SAFETY: the caller's descriptors.
    let done = unsafe { real(old, new) };
    replaced(done, old, new);
    done
}

#[unsafe(no_mangle)]
unsafe extern "C" fn dup3(old: c_int, new: c_int, flags: c_int) -> c_int {
    type Function = unsafe extern "C" fn(c_int, c_int, c_int) -> c_int;
    let real = real!(dup3: Function);
    // SAFETY: the caller's descriptors.
    let done = unsafe { real(old, new, flags) };
    replaced(done, old, new);
    done
}

#[unsafe(no_mangle)]
unsafe extern "C" fn close_range(first: c_uint, last: c_uint, flags: c_int) -> c_int {
    type Function = unsafe extern "C" fn(c_uint, c_uint, c_int) -> c_int;
    let real = real!(close_range: Function);
    // SAFETY: the caller's arguments.
    let done = unsafe { real(first, last, flags) };
    let closes = flags & libc::CLOSE_RANGE_CLOEXEC.cast_signed() == 0;
    if done == 0 && closes && !fork::is_other_process() {
        let [first, last] = [first, last].map(|fd| RawFd::try_from(fd).unwrap_or(RawFd::MAX));
        if !tell(|waits, epoll| waits.closed_range(epoll, first, last)) {
            watched::closed_elsewhere(u64::MAX);
        }
    }
    done
}

static CLOSE_TALLY: Tally = Tally::new();

pub static CALLS: &[Call] = &[
    Call::counted(c"close", close as *const _, &CLOSE_TALLY),
    Call::new(c"close_range", close_range as *const _),
    Call::new(c"dup2", dup2 as *const _),
    Call::new(c"dup3", dup3 as *const _),
];

/// `new` is another file now.
fn replaced(done: c_int, old: c_int, new: c_int) {
    if done < 0 || old == new || !watched::contains(new) || fork::is_other_process() {
        return;
    }
    if !tell(|waits, epoll| waits.closed(epoll, new)) {
        watched::closed_elsewhere(watched::group(new));
    }
}

/// In a green thread that has the role: tells the waits directly. False: another thread.
fn tell(what: impl FnOnce(&mut Descriptors, &Epoll)) -> bool {
    let Some(inside) = green::inside() else {
        return false;
    };
    let core = inside.green().core();
    what(&mut core.descriptors.borrow_mut(), &core.epoll);
    true
}
