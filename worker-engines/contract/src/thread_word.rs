//! The thread-local variables that interposed calls read: a few words at a fixed place of every thread.
//!
//! `thread_local!` is that in an executable. In a library (the wheel's) each use of it is a call,
//! `__tls_get_addr`, which may allocate when other libraries were loaded meanwhile; and an interposed call
//! may be made by an allocator. These words are found at an offset that the dynamic linker has fixed at the
//! start (the "initial exec" model of the ELF TLS ABI). The linker makes a constant of it in an executable.
//!
//! The address is computed each time anew, so a compiler keeps none across a change of threads.
#![allow(unsafe_code)]

use std::arch::asm;
#[cfg(not(target_arch = "x86_64"))]
compile_error!("the words of a thread are found by instructions of x86-64");

/// A thread-local word, 0 in each new thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum ThreadWord {
    /// The engine's: the green thread that runs under this block.
    Green = 0,
    /// What it is to be told (`interrupt`).
    Interrupt = 8,
    /// The request that it serves (`current`).
    Request = 16,
    /// The language's: the state that it keeps for this thread.
    State = 24,
    /// The language's: 1 while its code runs.
    InLanguage = 32,
}

std::arch::global_asm!(
    ".pushsection .tbss, \"awT\", @nobits",
    ".p2align 3",
    ".globl unicoro_thread_words",
    ".hidden unicoro_thread_words",
    ".type unicoro_thread_words, @object",
    ".size unicoro_thread_words, 40",
    "unicoro_thread_words:",
    ".zero 40",
    ".popsection",
);

impl ThreadWord {
    /// That of the thread, or green thread, that calls.
    #[inline]
    #[must_use]
    pub fn get(self) -> usize {
        let value;
        // SAFETY: reads a word of the thread's own block.
        unsafe {
            asm!(
                "mov {value}, qword ptr [rip + unicoro_thread_words@GOTTPOFF]",
                "mov {value}, qword ptr fs:[{value} + {place}]",
                value = out(reg) value,
                place = in(reg) self as usize,
                options(nostack, readonly, preserves_flags),
            );
        }
        value
    }

    /// From now on it is this.
    #[inline]
    pub fn set(self, value: usize) {
        // SAFETY: writes a word of the thread's own block.
        unsafe {
            asm!(
                "mov {offset}, qword ptr [rip + unicoro_thread_words@GOTTPOFF]",
                "mov qword ptr fs:[{offset} + {place}], {value}",
                offset = out(reg) _,
                place = in(reg) self as usize,
                value = in(reg) value,
                options(nostack, preserves_flags),
            );
        }
    }

    /// Where it lies, for others to look at while the thread lives.
    #[inline]
    #[must_use]
    pub fn address(self) -> *mut usize {
        let address: usize;
        // SAFETY: the first word of a block is its own address (x86-64 ABI).
        unsafe {
            asm!(
                "mov {address}, qword ptr fs:[0]",
                "add {address}, qword ptr [rip + unicoro_thread_words@GOTTPOFF]",
                address = out(reg) address,
                options(nostack, readonly),
            );
        }
        (address + self as usize) as *mut usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thread_has_its_own() {
        assert_eq!(ThreadWord::Green.get(), 0);
        ThreadWord::Green.set(7);
        ThreadWord::InLanguage.set(8);
        assert_eq!((ThreadWord::Green.get(), ThreadWord::Interrupt.get()), (7, 0));
        // SAFETY: this thread's word.
        assert_eq!(unsafe { *ThreadWord::InLanguage.address() }, 8);
        std::thread::spawn(|| assert_eq!(ThreadWord::Green.get(), 0)).join().unwrap();
        ThreadWord::Green.set(0);
        ThreadWord::InLanguage.set(0);
    }
}
