//! open and fopen, of what may keep its opener waiting: a FIFO whose other end nobody has opened, a
//! terminal or another device, a file on which somebody holds a lease.
//!
//! Those are opened by a helper thread. What they are is asked by the path first, because to open a
//! FIFO or a device and close it again is not without effect. A regular file is opened at once, with
//! `O_NONBLOCK` for as long as the call takes: that does nothing to it but refuse to wait for a lease
//! (open(2)). A path that becomes something else between the question and the call is opened as
//! what it was. fopen and creat do not look for leases.
#![allow(unsafe_code)]

use std::ffi::c_void;

use libc::{c_char, c_int, mode_t};

use super::meeting::on_a_helper;
use crate::errno::{errno, set_errno};
use crate::green::Green;
use crate::interposed::machinery::call::interposed;
use crate::interposed::machinery::readiness::set_nonblocking;

interposed! {
    /// Variadic in C, as `fcntl`: see there.
    fn open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int |green, real| {
        // SAFETY: the caller's arguments, perhaps with O_NONBLOCK.
        let open = |more: c_int| unsafe { real(path, flags | more, mode) };
        opened(green, (libc::AT_FDCWD, path), flags, open)
    }

    fn open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int |green, real| {
        // SAFETY: as in open.
        let open = |more: c_int| unsafe { real(path, flags | more, mode) };
        opened(green, (libc::AT_FDCWD, path), flags, open)
    }

    fn openat(dir: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int |green, real| {
        // SAFETY: as in open.
        let open = |more: c_int| unsafe { real(dir, path, flags | more, mode) };
        opened(green, (dir, path), flags, open)
    }

    fn openat64(
        dir: c_int, path: *const c_char, flags: c_int, mode: mode_t,
    ) -> c_int |green, real| {
        // SAFETY: as in open.
        let open = |more: c_int| unsafe { real(dir, path, flags | more, mode) };
        opened(green, (dir, path), flags, open)
    }

    fn __open_2(path: *const c_char, flags: c_int) -> c_int |green, real| {
        // SAFETY: as in open.
        opened(green, (libc::AT_FDCWD, path), flags, |more| unsafe { real(path, flags | more) })
    }

    fn __open64_2(path: *const c_char, flags: c_int) -> c_int |green, real| {
        // SAFETY: as in open.
        opened(green, (libc::AT_FDCWD, path), flags, |more| unsafe { real(path, flags | more) })
    }

    fn __openat_2(dir: c_int, path: *const c_char, flags: c_int) -> c_int |green, real| {
        // SAFETY: as in open.
        opened(green, (dir, path), flags, |more| unsafe { real(dir, path, flags | more) })
    }

    fn __openat64_2(dir: c_int, path: *const c_char, flags: c_int) -> c_int |green, real| {
        // SAFETY: as in open.
        opened(green, (dir, path), flags, |more| unsafe { real(dir, path, flags | more) })
    }

    fn creat(path: *const c_char, mode: mode_t) -> c_int |green, real| {
        // SAFETY: the caller's arguments.
        made(green, path, || unsafe { real(path, mode) })
    }

    fn creat64(path: *const c_char, mode: mode_t) -> c_int |green, real| {
        // SAFETY: as in creat.
        made(green, path, || unsafe { real(path, mode) })
    }

    /// glibc opens by a call of its own, which nothing interposes.
    fn fopen(path: *const c_char, mode: *const c_char) -> *mut c_void |green, real| {
        // SAFETY: the caller's arguments.
        stream(green, path, mode, || unsafe { real(path, mode) })
    }

    fn fopen64(path: *const c_char, mode: *const c_char) -> *mut c_void |green, real| {
        // SAFETY: as in fopen.
        stream(green, path, mode, || unsafe { real(path, mode) })
    }
}

/// What is known of a path before it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speed {
    /// Whatever it is, this call does not wait.
    AtOnce,
    /// A regular file, on which there may be a lease.
    Storage,
    /// It may keep us waiting.
    Slow,
}

/// Flags with which an open never waits.
const NEVER_WAITS: c_int = libc::O_NONBLOCK | libc::O_PATH | libc::O_DIRECTORY;
const MAKES: c_int = libc::O_CREAT | libc::O_EXCL;
/// The kernel's own devices: null, zero, random.
const MEMORY_DEVICES: libc::c_uint = 1;

fn speed_of((dir, path): (c_int, *const c_char), flags: c_int) -> Speed {
    if flags & NEVER_WAITS != 0 || flags & MAKES == MAKES {
        return Speed::AtOnce;
    }
    // SAFETY: an all-zero stat is valid, and the kernel fills it.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    let before = errno();
    // SAFETY: the caller's path, which the kernel checks; `stat` outlives the call.
    let found = unsafe { libc::syscall(libc::SYS_newfstatat, dir, path, &raw mut stat, 0) };
    set_errno(before);
    if found != 0 {
        return Speed::AtOnce;
    }
    match stat.st_mode & libc::S_IFMT {
        libc::S_IFREG => Speed::Storage,
        // Linux: fifo(7).
        libc::S_IFIFO if flags & libc::O_ACCMODE == libc::O_RDWR => Speed::AtOnce,
        libc::S_IFCHR if libc::major(stat.st_rdev) == MEMORY_DEVICES => Speed::AtOnce,
        libc::S_IFIFO | libc::S_IFCHR | libc::S_IFBLK => Speed::Slow,
        _ => Speed::AtOnce,
    }
}

/// Opens; `open` is the real call with more flags.
fn opened(
    green: &Green,
    place: (c_int, *const c_char),
    flags: c_int,
    open: impl Fn(c_int) -> c_int,
) -> c_int {
    let speed = speed_of(place, flags);
    if speed == Speed::AtOnce {
        return open(0);
    }
    if speed == Speed::Storage {
        let fd = open(libc::O_NONBLOCK);
        if fd >= 0 {
            set_flags(fd, flags);
        }
        if fd >= 0 || errno() != libc::EWOULDBLOCK {
            return fd;
        }
    }
    // A writer of a FIFO that somebody reads gets through without a helper: those may all be readers.
    let writes = flags & libc::O_ACCMODE == libc::O_WRONLY;
    let attempt = || {
        let fd = if writes { open(libc::O_NONBLOCK) } else { -1 };
        (fd >= 0).then(|| {
            set_nonblocking(fd, false);
            fd
        })
    };
    on_a_helper(green, || open(0), attempt, -1)
}

/// The flags that an open file can change are as they were asked for (fcntl(2), `F_SETFL`).
fn set_flags(fd: c_int, flags: c_int) {
    // SAFETY: F_SETFL takes no pointer; a direct call, because `fcntl` is interposed.
    unsafe { libc::syscall(libc::SYS_fcntl, fd, libc::F_SETFL, flags) };
}

fn made(green: &Green, path: *const c_char, real: impl Fn() -> c_int) -> c_int {
    match speed_of((libc::AT_FDCWD, path), libc::O_WRONLY) {
        Speed::Slow => on_a_helper(green, real, || None, -1),
        Speed::AtOnce | Speed::Storage => real(),
    }
}

fn stream(
    green: &Green,
    path: *const c_char,
    mode: *const c_char,
    real: impl Fn() -> *mut c_void,
) -> *mut c_void {
    // SAFETY: the caller's string, which ends in NUL.
    let mode = unsafe { std::ffi::CStr::from_ptr(mode) }.to_bytes();
    let flags = if mode.contains(&b'+') { libc::O_RDWR } else { libc::O_RDONLY };
    match speed_of((libc::AT_FDCWD, path), flags) {
        Speed::Slow => on_a_helper(green, real, || None, std::ptr::null_mut()),
        Speed::AtOnce | Speed::Storage => real(),
    }
}
