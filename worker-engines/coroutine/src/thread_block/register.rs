//! The FS register, which says under whose block code runs.
//!
//! The rule that a reader would break: a function that changes FS uses no thread-local variable of its
//! own, neither before nor after, because a compiler may keep its address.
#![allow(unsafe_code)]

use std::arch::asm;
use std::sync::atomic::{AtomicBool, Ordering};

/// FS can be written without a system call.
static HAS_FSGSBASE: AtomicBool = AtomicBool::new(false);

/// Finds out how FS is written here.
pub(super) fn find_way() {
    // getauxval(3): FSGSBASE is for us to use, on x86.
    const FSGSBASE: u64 = 1 << 1;
    // SAFETY: no pointers.
    let has_fsgsbase = unsafe { libc::getauxval(libc::AT_HWCAP2) } & FSGSBASE != 0;
    HAS_FSGSBASE.store(has_fsgsbase, Ordering::Relaxed);
}

/// The block that is in force here.
#[inline]
pub fn current() -> usize {
    let block;
    // SAFETY: reads the block's first words, of which the third is its own address (x86-64 ABI, glibc's
    // `tcbhead_t`).
    unsafe {
        asm!("mov {}, fs:[0x10]", out(reg) block, options(nostack, readonly, preserves_flags))
    };
    block
}

/// Runs `body` under `block`, and then goes on under the one before.
///
/// # Safety
/// `block` is a thread's, which nobody else runs under. Neither the caller nor `body` hands the address
/// of a thread-local variable across.
#[inline(never)]
pub unsafe fn under(block: usize, body: &mut dyn FnMut()) {
    let before = current();
    // SAFETY: the caller's word.
    unsafe { live_under(block, body, &|| before) };
}

/// Runs `body`, the life of a green thread, under its `block`, and then goes on under the one that
/// `after` names: by then it may run on another OS thread.
///
/// # Safety
/// As [`under`]; and so is what `after` names.
#[inline(never)]
pub unsafe fn live_under(block: usize, body: &mut dyn FnMut(), after: &dyn Fn() -> usize) {
    // SAFETY: the caller's word.
    unsafe { enter(block) };
    let _after = After(after);
    body();
}

/// The block to go on under, however what comes before ends.
struct After<'a>(&'a dyn Fn() -> usize);

impl Drop for After<'_> {
    fn drop(&mut self) {
        // SAFETY: the word of who called `live_under`.
        unsafe { enter((self.0)()) };
    }
}

/// Makes a block the one in force.
///
/// # Safety
/// As in [`under`]; and the caller is not inlined into a function that uses thread-local variables.
#[inline]
unsafe fn enter(block: usize) {
    if HAS_FSGSBASE.load(Ordering::Relaxed) {
        // SAFETY: the caller's word; the kernel lets us, says `find_way`.
        unsafe { asm!("wrfsbase {}", in(reg) block, options(nostack, preserves_flags)) };
    } else {
        const ARCH_SET_FS: usize = 0x1002;
        // SAFETY: the caller's word. A direct call: libc's would set errno, under the one or the other.
        unsafe {
            asm!(
                "syscall",
                inlateout("rax") libc::SYS_arch_prctl => _,
                in("rdi") ARCH_SET_FS,
                in("rsi") block,
                lateout("rcx") _,
                lateout("r11") _,
                options(nostack)
            );
        }
    }
}
