//! futex(2) as Rust's standard library and absl call it: by libc's `syscall`.
//!
//! Without this a green thread that waits for a lock which another one holds would stop the OS
//! thread that both share, for good. Not for this program's own waits (the engine's locks), which are
//! known by their caller.
//!
//! A wait ends when it is woken, not when its request is overdue: such a library waits again
//! without looking for signals, and would never let the others run.
#![allow(unsafe_code)]

use std::arch::naked_asm;
use std::ffi::c_void;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use libc::{c_int, c_long, timespec};

use super::allocator;
use super::contest;
use crate::errno::{errno, set_errno};
use crate::green::{self, Green};
use crate::interposed::machinery::call::{Call, real};
use crate::interposed::machinery::clock;
use crate::interposed::machinery::code::Code;
use crate::interposed::machinery::tally::Tally;
use crate::wait::Woken;
use crate::words::{self, Kind};
use crate::{fork, wake};

/// `long syscall(long number, ...)`. For a futex the number, which is known then, gives its place to
/// the caller's address; all else stays where the caller has put it, on the stack too.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn syscall() {
    #[cfg(target_arch = "x86_64")]
    naked_asm!(
        "cmp rdi, {number}",
        "jne {other}",
        "mov rdi, [rsp]",
        "jmp {futex}",
        number = const libc::SYS_futex,
        other = sym other,
        futex = sym futex,
    );
    #[cfg(target_arch = "aarch64")]
    naked_asm!(
        "cmp x0, #{number}",
        "b.eq 2f",
        "b {other}",
        "2:",
        "mov x0, x30",
        "b {futex}",
        number = const libc::SYS_futex,
        other = sym other,
        futex = sym futex,
    );
}

static TALLY: Tally = Tally::new();
static OWN_CODE: Code = Code::unknown();

/// Finds this program's own code. Before green threads run.
pub fn find_own_code() {
    OWN_CODE.find(futex as *const () as usize);
}

pub static CALLS: &[Call] = &[Call::counted(c"syscall", syscall as *const c_void, &TALLY)];

/// The real one. Whether the caller has given all six arguments or fewer: those that it has not are
/// read and passed on, and mean nothing.
unsafe extern "C" fn other(
    number: c_long,
    first: c_long,
    second: c_long,
    third: c_long,
    fourth: c_long,
    fifth: c_long,
    sixth: c_long,
) -> c_long {
    type Function =
        unsafe extern "C" fn(c_long, c_long, c_long, c_long, c_long, c_long, c_long) -> c_long;
    let real = real!(syscall: Function);
    // SAFETY: it takes as many arguments; the caller's.
    unsafe { real(number, first, second, third, fourth, fifth, sixth) }
}

unsafe extern "C" fn futex(
    caller: usize,
    word: *const AtomicU32,
    operation: c_int,
    value: u32,
    // For some operations a count; then it is only passed on.
    timeout: *const timespec,
    second_word: c_long,
    third_value: c_long,
) -> c_long {
    // SAFETY: the caller's arguments.
    let real = || unsafe {
        let (word, operation, value) =
            (word as c_long, c_long::from(operation), c_long::from(value));
        other(libc::SYS_futex, word, operation, value, timeout as c_long, second_word, third_value)
    };
    match operation & libc::FUTEX_CMD_MASK {
        command @ (libc::FUTEX_WAIT | libc::FUTEX_WAIT_BITSET) => {
            // Neither the engine nor the allocator, which it calls in the midst of its work.
            let is_exempt = OWN_CODE.contains(caller) || allocator::contains(caller);
            let Some(green) = green::current().filter(|_| !is_exempt) else {
                TALLY.held(green::current().is_some());
                return real();
            };
            // SAFETY: null or the caller's; both commands take a time here.
            let deadline = unsafe { timeout.as_ref() }.map(|time| match command {
                libc::FUTEX_WAIT => clock::after(time),
                _ if operation & libc::FUTEX_CLOCK_REALTIME == 0 => {
                    clock::instant(libc::CLOCK_MONOTONIC, time)
                }
                _ => clock::instant(libc::CLOCK_REALTIME, time),
            });
            if deadline == Some(None) {
                // The real call refuses it.
                return real();
            }
            let deadline = deadline.flatten();
            let how = operation & libc::FUTEX_PRIVATE_FLAG;
            let bits = if command == libc::FUTEX_WAIT { ALL_BITS } else { third_value };
            let beside = |until| wait_beside(word, how, value, until, bits);
            match contest::beside(green, deadline, beside) {
                libc::EBUSY => {}
                0 => return 0,
                error => return fail(error),
            }
            let Some(inside) = green::parkable() else {
                TALLY.held(true);
                return real();
            };
            TALLY.parkable();
            wait(inside.green(), word, value, deadline)
        }
        libc::FUTEX_WAKE | libc::FUTEX_WAKE_BITSET => {
            let woken = real();
            let left = usize::try_from(i64::from(value.cast_signed()) - woken).unwrap_or(0);
            if woken < 0 || left == 0 || !words::are_awaited() || fork::is_child() {
                return woken;
            }
            woken + wake::wake_from_anywhere(word as usize, left).cast_signed() as c_long
        }
        _ => real(),
    }
}

/// Of `FUTEX_WAIT_BITSET`: any wake-up ends the wait.
const ALL_BITS: c_long = 0xffff_ffff;

/// Waits in the kernel until a time of the monotonic clock; the error, or 0.
fn wait_beside(
    word: *const AtomicU32,
    how: c_int,
    value: u32,
    until: *const timespec,
    bits: c_long,
) -> c_int {
    let (word, operation) = (word as c_long, c_long::from(libc::FUTEX_WAIT_BITSET | how));
    // SAFETY: the caller's word; the time outlives the call.
    let done =
        unsafe { other(libc::SYS_futex, word, operation, value.into(), until as c_long, 0, bits) };
    if done == 0 { 0 } else { errno() }
}

fn fail(error: c_int) -> c_long {
    set_errno(error);
    -1
}

fn wait(green: &Green, word: *const AtomicU32, value: u32, deadline: Option<Instant>) -> c_long {
    let address = word as usize;
    let words = &green.core().words;
    let ticket = green.ticket();
    words.borrow_mut().add(address, Kind::Futex, ticket, true);
    // The kernel's look, now that a wake on any thread sees us waiting.
    // SAFETY: the caller's word; after the park it may be free memory, and is not looked at.
    if unsafe { (*word).load(Ordering::SeqCst) } != value {
        words.borrow_mut().remove(address, Kind::Futex, ticket);
        return fail(libc::EAGAIN);
    }
    let woken = green.park_firmly(ticket, deadline);
    words.borrow_mut().remove(address, Kind::Futex, ticket);
    if woken == Woken::Deadline { fail(libc::ETIMEDOUT) } else { 0 }
}
