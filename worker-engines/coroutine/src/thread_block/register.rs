//! The register that says under whose block code runs: FS on x86-64, TPIDR_EL0 on aarch64.
//!
//! A block is named by its `pthread_t`. On x86-64 the register has just that; on aarch64 it points behind
//! glibc's structure, whose size is known when a thread has looked at itself.
//!
//! The rule that a reader would break: a function that changes the register uses no thread-local variable
//! of its own, neither before nor after, because a compiler may keep its address.
#![allow(unsafe_code)]

#[cfg(target_arch = "aarch64")]
use aarch64 as machine;
#[cfg(target_arch = "x86_64")]
use x86_64 as machine;

pub(super) use machine::{find_way, pointer_to};

/// The block that is in force here.
#[inline]
pub fn current() -> usize {
    machine::current()
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
    // SAFETY: the caller's word.
    unsafe { machine::enter(block) };
}

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use std::arch::asm;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// FS can be written without a system call.
    static HAS_FSGSBASE: AtomicBool = AtomicBool::new(false);

    /// Finds out how FS is written here.
    pub fn find_way() {
        // getauxval(3): FSGSBASE is for us to use, on x86.
        const FSGSBASE: u64 = 1 << 1;
        // SAFETY: no pointers.
        let has_fsgsbase = unsafe { libc::getauxval(libc::AT_HWCAP2) } & FSGSBASE != 0;
        HAS_FSGSBASE.store(has_fsgsbase, Ordering::Relaxed);
    }

    /// The register's value for a block.
    pub fn pointer_to(block: usize) -> usize {
        block
    }

    #[inline]
    pub fn current() -> usize {
        let block;
        // SAFETY: reads the block's first words, of which the third is its own address (x86-64 ABI,
        // glibc's `tcbhead_t`).
        unsafe {
            asm!("mov {}, fs:[0x10]", out(reg) block, options(nostack, readonly, preserves_flags));
        }
        block
    }

    /// # Safety
    /// As [`super::enter`].
    #[inline]
    pub unsafe fn enter(block: usize) {
        if HAS_FSGSBASE.load(Ordering::Relaxed) {
            // SAFETY: the caller's word; the kernel lets us, says `find_way`.
            unsafe { asm!("wrfsbase {}", in(reg) block, options(nostack, preserves_flags)) };
        } else {
            const ARCH_SET_FS: usize = 0x1002;
            // SAFETY: the caller's word. A direct call: libc's would set errno, under the one or the
            // other.
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
}

#[cfg(target_arch = "aarch64")]
mod aarch64 {
    use std::arch::asm;
    use std::mem::transmute;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use unicoro_contract::Real;

    /// Of glibc's `struct pthread`, which ends where the register points (variant I of the ELF TLS ABI);
    /// 0: not known yet.
    static SIZE: AtomicUsize = AtomicUsize::new(0);

    pub fn find_way() {
        size();
    }

    /// The register's value for a block.
    pub fn pointer_to(block: usize) -> usize {
        block + size()
    }

    #[inline]
    pub fn current() -> usize {
        pointer() - size()
    }

    #[inline]
    fn size() -> usize {
        match SIZE.load(Ordering::Relaxed) {
            0 => measure(),
            known => known,
        }
    }

    /// A thread looks at itself, at the first question: constructors of libraries ask before `main`.
    #[cold]
    fn measure() -> usize {
        static REAL: Real = Real::new(c"pthread_self");
        // SAFETY: the address is that of the function of this name and this type.
        let real: extern "C" fn() -> libc::pthread_t = unsafe { transmute(REAL.address()) };
        let size = pointer() - real() as usize;
        SIZE.store(size, Ordering::Relaxed);
        size
    }

    fn pointer() -> usize {
        let pointer;
        // SAFETY: reads a register; not `pure`, because it changes.
        unsafe {
            asm!("mrs {}, tpidr_el0", out(reg) pointer, options(nostack, nomem, preserves_flags));
        }
        pointer
    }

    /// # Safety
    /// As [`super::enter`].
    #[inline]
    pub unsafe fn enter(block: usize) {
        // SAFETY: the caller's word; programs may write this register.
        unsafe {
            asm!("msr tpidr_el0, {}", in(reg) pointer_to(block), options(nostack, preserves_flags));
        }
    }
}
