//! Where glibc keeps in a thread's block what we touch there: the thread's number, and its restartable
//! sequences (rseq(2)).
#![allow(unsafe_code)]

use std::io;
use std::sync::atomic::{AtomicI32, AtomicIsize, AtomicUsize, Ordering};
use std::thread;

use super::register::{self, current};

/// Where glibc keeps a thread's number in its block, in bytes.
static NUMBER_AT: AtomicUsize = AtomicUsize::new(0);
/// Where `rseq`'s area lies from where the thread pointer points; 0: nowhere.
static RSEQ_AT: AtomicIsize = AtomicIsize::new(0);

/// Finds both; false: glibc's structure is unknown.
///
/// # Errors
/// No thread, to compare with.
pub(super) fn find() -> io::Result<bool> {
    let number_at = find_number()?;
    NUMBER_AT.store(number_at.unwrap_or(0), Ordering::Relaxed);
    RSEQ_AT.store(find_rseq(), Ordering::Relaxed);
    Ok(number_at.is_some())
}

/// The word in a block that has the thread's number.
///
/// # Safety
/// The block stays for ever.
pub(super) unsafe fn number_word(block: usize) -> &'static AtomicI32 {
    // SAFETY: glibc's word; the caller's word.
    unsafe { &*((block + NUMBER_AT.load(Ordering::Relaxed)) as *const AtomicI32) }
}

/// The kernel does not keep restartable sequences (rseq(2)) up to date there: readers of the
/// processor's number are told that nobody has registered.
pub(super) fn leave_rseq(block: usize) {
    const CPU_ID: usize = 4;
    const REGISTRATION_FAILED: i32 = -2;
    let offset = RSEQ_AT.load(Ordering::Relaxed);
    if offset != 0 {
        let area = register::pointer_to(block).wrapping_add_signed(offset);
        // SAFETY: glibc's area in the block of a thread that has left.
        unsafe { ((area + CPU_ID) as *mut i32).write_volatile(REGISTRATION_FAILED) };
    }
}

/// Takes the calling OS thread's restartable sequences (rseq(2)) from it. A child that a green thread
/// forks has the kernel's registration of the thread that it ran on, and glibc gives that thread's
/// memory back there: the kernel would write to it, and end the child by SIGSEGV. Once, at its begin.
pub fn unregister_rseq() {
    const FEATURES: u64 = 27; // AT_RSEQ_FEATURE_SIZE
    let offset = RSEQ_AT.load(Ordering::Relaxed);
    if offset != 0 {
        // SAFETY: no pointers.
        let features = unsafe { libc::getauxval(FEATURES) } as usize;
        unregister(register::pointer_to(current()).wrapping_add_signed(offset), features);
    }
}

/// The same of an area, on a kernel with so many bytes of features; false: it is not what was registered.
fn unregister(area: usize, features: usize) -> bool {
    const UNREGISTER: usize = 1;
    // What glibc registers with (`RSEQ_SIG` in its bits/rseq.h).
    #[cfg(target_arch = "x86_64")]
    const SIGNATURE: usize = 0x5305_3053;
    #[cfg(target_arch = "aarch64")]
    const SIGNATURE: usize = 0xd428_bc00;
    // The size that it has registered: before 2.41 always that of the first `struct rseq`, since then that of
    // all that the kernel has.
    const SMALLEST: usize = 32;
    let all = features.next_multiple_of(SMALLEST).max(SMALLEST);
    [all, SMALLEST].into_iter().any(|size| {
        // SAFETY: the kernel checks that it is what the thread has registered, and marks it as left.
        unsafe { libc::syscall(libc::SYS_rseq, area, size, UNREGISTER, SIGNATURE) == 0 }
    })
}

/// Looked up once: dlsym(3) waits for whoever loads a library.
fn find_rseq() -> isize {
    // SAFETY: since glibc 2.35 an offset from each thread's pointer, and a size; absent before.
    unsafe {
        let offset: *const isize =
            libc::dlsym(libc::RTLD_DEFAULT, c"__rseq_offset".as_ptr()).cast();
        let size: *const u32 = libc::dlsym(libc::RTLD_DEFAULT, c"__rseq_size".as_ptr()).cast();
        if offset.is_null() || size.is_null() || *size == 0 { 0 } else { *offset }
    }
}

/// Where a thread's block has the thread's number: a place where two threads have theirs.
fn find_number() -> io::Result<Option<usize>> {
    let mine = candidates();
    // One that panics has none in common.
    let others = thread::Builder::new().spawn(candidates)?.join().unwrap_or_default();
    let mut both = mine.into_iter().filter(|at| others.contains(at));
    Ok(both.next().filter(|_| both.next().is_none()))
}

fn candidates() -> Vec<usize> {
    // `struct pthread` is larger in every glibc, or memory of the thread's follows.
    const SEARCHED: usize = if cfg!(target_arch = "x86_64") { 0x700 } else { 0x600 };
    let block = current();
    // SAFETY: within the calling thread's own structure, of which words are read.
    let word = |at: &usize| unsafe { ((block + at) as *const i32).read_volatile() };
    // SAFETY: no arguments.
    let number = unsafe { libc::gettid() };
    (0..SEARCHED).step_by(4).filter(|at| word(at) == number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_left_where_the_kernel_has_more_of_them_than_glibc() {
        const MORE: usize = 33;
        let leave = || match find_rseq() {
            0 => true,
            offset => unregister(register::pointer_to(current()).wrapping_add_signed(offset), MORE),
        };
        assert!(std::thread::spawn(leave).join().unwrap());
    }
}
