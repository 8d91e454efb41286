//! Signal masks as green threads see them, and what is begun with them: threads and processes.
//!
//! The scheduler's thread blocks all signals (see [`crate::signals`]). A green thread that asks is
//! told a mask of its own, and sets that; a thread or child that it starts begins with it.
#![allow(unsafe_code)]

use std::arch::naked_asm;
use std::ffi::{c_char, c_void};
use std::ptr;

use libc::{
    c_int, c_short, pid_t, posix_spawn_file_actions_t, posix_spawnattr_t, pthread_attr_t,
    pthread_t, sigset_t,
};

use crate::green::{self, Green};
use crate::interposed::machinery::call::{Call, real};
use crate::interposed::machinery::readiness::fail;
use crate::{fork, signals};

type Mask = unsafe extern "C" fn(c_int, *const sigset_t, *mut sigset_t) -> c_int;
type Begin = extern "C" fn(*mut c_void) -> *mut c_void;
type Create =
    unsafe extern "C" fn(*mut pthread_t, *const pthread_attr_t, Begin, *mut c_void) -> c_int;
type Strings = *const *mut c_char;
type Spawn = unsafe extern "C" fn(
    *mut pid_t,
    *const c_char,
    *const posix_spawn_file_actions_t,
    *const posix_spawnattr_t,
    Strings,
    Strings,
) -> c_int;

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_sigmask(
    how: c_int,
    set: *const sigset_t,
    old: *mut sigset_t,
) -> c_int {
    let Some(green) = caller() else {
        let real = real!(pthread_sigmask: Mask);
        // SAFETY: the caller's arguments.
        return unsafe { real(how, set, old) };
    };
    // SAFETY: the caller's sets.
    unsafe { change(green, how, set, old) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sigprocmask(how: c_int, set: *const sigset_t, old: *mut sigset_t) -> c_int {
    let Some(green) = caller() else {
        let real = real!(sigprocmask: Mask);
        // SAFETY: the caller's arguments.
        return unsafe { real(how, set, old) };
    };
    // SAFETY: the caller's sets.
    match unsafe { change(green, how, set, old) } {
        0 => 0,
        error => fail(error),
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_create(
    thread: *mut pthread_t,
    attributes: *const pthread_attr_t,
    begin: Begin,
    argument: *mut c_void,
) -> c_int {
    let real = real!(pthread_create: Create);
    // SAFETY: the caller's arguments.
    let create = || unsafe { real(thread, attributes, begin, argument) };
    match caller() {
        Some(green) => signals::with_mask(green.mask().get(), create),
        None => create(),
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn posix_spawn(
    child: *mut pid_t,
    path: *const c_char,
    actions: *const posix_spawn_file_actions_t,
    attributes: *const posix_spawnattr_t,
    arguments: Strings,
    environment: Strings,
) -> c_int {
    // Before that version, a file that is no program was given to a shell.
    let real = real!(posix_spawn: Spawn, c"GLIBC_2.15");
    // SAFETY: null or the caller's attributes, from here on ours.
    let own = unsafe { with_own_mask(attributes) };
    let attributes = own.as_ref().map_or(attributes, ptr::from_ref);
    // SAFETY: the caller's arguments.
    unsafe { real(child, path, actions, attributes, arguments, environment) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn posix_spawnp(
    child: *mut pid_t,
    file: *const c_char,
    actions: *const posix_spawn_file_actions_t,
    attributes: *const posix_spawnattr_t,
    arguments: Strings,
    environment: Strings,
) -> c_int {
    let real = real!(posix_spawnp: Spawn, c"GLIBC_2.15");
    // SAFETY: as in posix_spawn.
    let own = unsafe { with_own_mask(attributes) };
    let attributes = own.as_ref().map_or(attributes, ptr::from_ref);
    // SAFETY: the caller's arguments.
    unsafe { real(child, file, actions, attributes, arguments, environment) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn popen(command: *const c_char, kind: *const c_char) -> *mut libc::FILE {
    type Open = unsafe extern "C" fn(*const c_char, *const c_char) -> *mut libc::FILE;
    let real = real!(popen: Open);
    // SAFETY: the caller's arguments.
    let open = || unsafe { real(command, kind) };
    match caller() {
        Some(green) => signals::with_mask(green.mask().get(), open),
        None => open(),
    }
}

/// As glibc's (sysdeps/unix/sysv/linux/x86_64/vfork.S, aarch64/vfork.S): the child goes on on this stack
/// and overwrites what lies above, so the address to return to waits in a register. What is around it may
/// not be a frame of ours.
#[unsafe(no_mangle)]
#[unsafe(naked)]
unsafe extern "C" fn vfork() -> pid_t {
    #[cfg(target_arch = "x86_64")]
    naked_asm!(
        "sub rsp, 8",
        "call {before}",
        "add rsp, 8",
        "pop rdi",
        "mov eax, {number}",
        "syscall",
        "push rdi",
        "test rax, rax",
        "jz 2f",
        "mov rdi, rax",
        "jmp {after}",
        "2:",
        "ret",
        before = sym before_vfork,
        after = sym after_vfork,
        number = const libc::SYS_vfork,
    );
    #[cfg(target_arch = "aarch64")]
    naked_asm!(
        "stp x29, x30, [sp, #-16]!",
        "bl {before}",
        "ldp x29, x30, [sp], #16",
        "mov x0, #{flags}",
        "mov x1, xzr",
        "mov x8, #{number}",
        "svc #0",
        "cbz x0, 2f",
        "b {after}",
        "2:",
        "ret",
        before = sym before_vfork,
        after = sym after_vfork,
        flags = const libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD,
        number = const libc::SYS_clone,
    );
}

extern "C" fn before_vfork() {
    if let Some(green) = caller() {
        green.mask().begin_vfork();
    }
}

/// In the parent, with what the system call has returned.
extern "C" fn after_vfork(result: isize) -> pid_t {
    if let Some(green) = caller() {
        green.mask().end_vfork();
    }
    match pid_t::try_from(-result) {
        Ok(error @ 1..) => fail(error),
        _ => result as pid_t,
    }
}

pub static CALLS: &[Call] = &[
    Call::new(c"popen", popen as *const _),
    Call::new(c"posix_spawn", posix_spawn as *const _),
    Call::new(c"posix_spawnp", posix_spawnp as *const _),
    Call::new(c"pthread_create", pthread_create as *const _),
    Call::new(c"pthread_sigmask", pthread_sigmask as *const _),
    Call::new(c"sigprocmask", sigprocmask as *const _),
    Call::new(c"vfork", vfork as *const _),
];

/// The green thread that calls, unless it is the child of a vfork that it made.
fn caller() -> Option<&'static Green> {
    green::current().filter(|_| !fork::is_other_process())
}

/// sigprocmask(2) on a green thread's mask.
///
/// # Safety
/// The sets are null or valid.
unsafe fn change(green: &Green, how: c_int, set: *const sigset_t, old: *mut sigset_t) -> c_int {
    let before = green.mask().get();
    // SAFETY: the caller's word.
    if let Some(set) = unsafe { set.as_ref() } {
        let set = signals::mask_of(set);
        let after = match how {
            libc::SIG_BLOCK => before | set,
            libc::SIG_UNBLOCK => before & !set,
            libc::SIG_SETMASK => set,
            _ => return libc::EINVAL,
        };
        green.mask().set(after);
    }
    // SAFETY: the caller's word.
    if let Some(old) = unsafe { old.as_mut() } {
        *old = signals::set_of(before);
    }
    0
}

/// The caller's attributes, and the green thread's mask if they name none. `None`: as they are.
///
/// # Safety
/// `attributes` is null or initialised.
unsafe fn with_own_mask(attributes: *const posix_spawnattr_t) -> Option<posix_spawnattr_t> {
    let green = caller()?;
    let mut flags: c_short = 0;
    // SAFETY: a copy of plain data, or initialised here; glibc keeps no resources in it.
    unsafe {
        let mut own: posix_spawnattr_t = std::mem::zeroed();
        if attributes.is_null() {
            libc::posix_spawnattr_init(&raw mut own);
        } else {
            own = *attributes;
        }
        libc::posix_spawnattr_getflags(&raw const own, &raw mut flags);
        let sets_mask = libc::POSIX_SPAWN_SETSIGMASK as c_short;
        if flags & sets_mask != 0 {
            return None;
        }
        libc::posix_spawnattr_setflags(&raw mut own, flags | sets_mask);
        let mask = signals::set_of(green.mask().get());
        libc::posix_spawnattr_setsigmask(&raw mut own, &raw const mask);
        Some(own)
    }
}
