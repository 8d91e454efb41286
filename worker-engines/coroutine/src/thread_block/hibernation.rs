//! How a thread leaves the kernel and keeps its block, and how it comes back to end.
#![allow(unsafe_code)]

use std::arch::naked_asm;
use std::ffi::{c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::Ordering;

use super::layout;
use super::register;
use super::slot::{Place, SLOT};

/// Makes a thread in a slot, and waits until it has left.
pub(super) fn start(place: &'static Place) -> io::Result<()> {
    let mut thread = 0;
    // SAFETY: initialised by pthread_attr_init, destroyed once; the slot is ours and empty.
    let failed = unsafe {
        let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
        libc::pthread_attr_init(attributes.as_mut_ptr());
        let attributes = attributes.assume_init_mut();
        libc::pthread_attr_setdetachstate(attributes, libc::PTHREAD_CREATE_DETACHED);
        let mut failed = libc::pthread_attr_setstack(attributes, place.slot as *mut c_void, SLOT);
        if failed == 0 {
            place.stands.store(1, Ordering::Relaxed);
            let argument = ptr::from_ref(place).cast_mut().cast();
            failed = libc::pthread_create(&raw mut thread, attributes, body, argument);
        }
        libc::pthread_attr_destroy(attributes);
        failed
    };
    if failed != 0 {
        place.stands.store(0, Ordering::Relaxed);
        return Err(io::Error::from_raw_os_error(failed));
    }
    place.block.store(thread as usize, Ordering::Release);
    place.wait_until_it_has_left();
    place.number_word().store(place.number, Ordering::Relaxed);
    layout::leave_rseq(place.block.load(Ordering::Relaxed));
    Ok(())
}

/// The thread's start routine.
extern "C" fn body(place: *mut c_void) -> *mut c_void {
    // SAFETY: `start` passes a place, which lives for ever. The kernel is told of a word of ours, because
    // which of glibc's it would clear, the number's (before 2.43) or another, is glibc's own affair.
    unsafe {
        let place = &*place.cast::<Place>();
        libc::syscall(libc::SYS_set_tid_address, place.stands.as_ptr());
        leave(place.saved.as_ptr());
    }
    ptr::null_mut()
}

/// Saves the registers that a function keeps for its caller, notes where, and leaves the kernel. It
/// returns when it is revived.
#[unsafe(naked)]
unsafe extern "C" fn leave(saved: *mut usize) {
    #[cfg(target_arch = "x86_64")]
    naked_asm!(
        "push rbx",
        "push rbp",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "mov [rdi], rsp",
        "xor edi, edi",
        "mov eax, {exit}",
        "syscall",
        "ud2",
        exit = const libc::SYS_exit,
    );
    #[cfg(target_arch = "aarch64")]
    naked_asm!(
        "stp x19, x20, [sp, #-160]!",
        "stp x21, x22, [sp, #16]",
        "stp x23, x24, [sp, #32]",
        "stp x25, x26, [sp, #48]",
        "stp x27, x28, [sp, #64]",
        "stp x29, x30, [sp, #80]",
        "stp d8, d9, [sp, #96]",
        "stp d10, d11, [sp, #112]",
        "stp d12, d13, [sp, #128]",
        "stp d14, d15, [sp, #144]",
        "mov x1, sp",
        "str x1, [x0]",
        "mov x0, xzr",
        "mov x8, #{exit}",
        "svc #0",
        "brk #1",
        exit = const libc::SYS_exit,
    );
}

/// A kernel thread for a thread that has left: clone(2), whose child returns from `leave`.
#[unsafe(naked)]
unsafe extern "C" fn revive(
    flags: usize,
    stack: usize,
    number: *mut i32,
    stands: *mut i32,
    thread_pointer: usize,
) -> isize {
    #[cfg(target_arch = "x86_64")]
    naked_asm!(
        // The fourth argument of a system call has another register than that of a function.
        "mov r10, rcx",
        "mov eax, {clone}",
        "syscall",
        "test eax, eax",
        "jz 2f",
        "ret",
        "2:",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbp",
        "pop rbx",
        "ret",
        clone = const libc::SYS_clone,
    );
    #[cfg(target_arch = "aarch64")]
    naked_asm!(
        // This kernel's fourth argument is the thread pointer, and the fifth the word that it clears.
        "mov x9, x3",
        "mov x3, x4",
        "mov x4, x9",
        "mov x8, #{clone}",
        "svc #0",
        "cbz w0, 2f",
        "ret",
        "2:",
        "ldp x21, x22, [sp, #16]",
        "ldp x23, x24, [sp, #32]",
        "ldp x25, x26, [sp, #48]",
        "ldp x27, x28, [sp, #64]",
        "ldp x29, x30, [sp, #80]",
        "ldp d8, d9, [sp, #96]",
        "ldp d10, d11, [sp, #112]",
        "ldp d12, d13, [sp, #128]",
        "ldp d14, d15, [sp, #144]",
        "ldp x19, x20, [sp], #160",
        "ret",
        clone = const libc::SYS_clone,
    );
}

impl Place {
    fn wait_until_it_has_left(&self) {
        let word = &self.stands;
        while !self.has_left() {
            let no_end = ptr::null::<libc::timespec>();
            // SAFETY: a word that stays. Not a private futex: the kernel wakes it as a shared one. A
            // direct call: `futex` is interposed only by libc's `syscall`, from others than us.
            unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, 1, no_end) };
        }
    }

    /// Has it end as a thread; false: no kernel thread could be made.
    ///
    /// # Safety
    /// It has left, nobody runs under its block, and this is its end.
    pub(super) unsafe fn revive(&'static self) -> bool {
        // As glibc's own for a thread.
        const FLAGS: c_int = libc::CLONE_VM
            | libc::CLONE_FS
            | libc::CLONE_FILES
            | libc::CLONE_SIGHAND
            | libc::CLONE_THREAD
            | libc::CLONE_SYSVSEM
            | libc::CLONE_SETTLS
            | libc::CLONE_PARENT_SETTID
            | libc::CLONE_CHILD_CLEARTID;
        let number = self.number_word().as_ptr();
        self.stands.store(1, Ordering::Relaxed);
        // Its own stack is what it ends on, and what a destructor is told that asks.
        self.bottom.store(self.slot, Ordering::Relaxed);
        self.len.store(SLOT, Ordering::Relaxed);
        let stack = self.saved.load(Ordering::Acquire);
        let thread_pointer = register::pointer_to(self.block.load(Ordering::Relaxed));
        // SAFETY: the caller's word; the stack is where `leave` stands.
        let revived = unsafe {
            revive(FLAGS as usize, stack, number, self.stands.as_ptr(), thread_pointer) >= 0
        };
        // Nobody stands there, but the slot is not given back either.
        if !revived {
            self.stands.store(0, Ordering::Relaxed);
        }
        revived
    }
}
