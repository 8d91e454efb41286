//! The thread-local variables that interposed calls read: a few words at a fixed place of every thread.
//!
//! `thread_local!` is that in an executable. In a library (the wheel's) each use of it is a call,
//! `__tls_get_addr`, which may allocate when other libraries were loaded meanwhile; and an interposed call
//! may be made by an allocator. These words are found at an offset that the dynamic linker has fixed at the
//! start (the "initial exec" model of the ELF TLS ABI). The linker makes a constant of it in an executable.
//!
//! The address is computed each time anew, so a compiler keeps none across a change of threads.
#![allow(unsafe_code)]

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
        machine::get(self as usize)
    }

    /// From now on it is this.
    #[inline]
    pub fn set(self, value: usize) {
        machine::set(self as usize, value);
    }

    /// Where it lies, for others to look at while the thread lives.
    #[inline]
    #[must_use]
    pub fn address(self) -> *mut usize {
        (machine::begin() + self as usize) as *mut usize
    }
}

#[cfg(target_arch = "x86_64")]
mod machine {
    use std::arch::asm;

    #[inline]
    pub fn get(place: usize) -> usize {
        let value;
        // SAFETY: reads a word of the thread's own block.
        unsafe {
            asm!(
                "mov {value}, qword ptr [rip + unicoro_thread_words@GOTTPOFF]",
                "mov {value}, qword ptr fs:[{value} + {place}]",
                value = out(reg) value,
                place = in(reg) place,
                options(nostack, readonly, preserves_flags),
            );
        }
        value
    }

    #[inline]
    pub fn set(place: usize, value: usize) {
        // SAFETY: writes a word of the thread's own block.
        unsafe {
            asm!(
                "mov {offset}, qword ptr [rip + unicoro_thread_words@GOTTPOFF]",
                "mov qword ptr fs:[{offset} + {place}], {value}",
                offset = out(reg) _,
                place = in(reg) place,
                value = in(reg) value,
                options(nostack, preserves_flags),
            );
        }
    }

    /// Where the words of the calling thread begin.
    #[inline]
    pub fn begin() -> usize {
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
        address
    }
}

#[cfg(target_arch = "aarch64")]
mod machine {
    use std::arch::asm;

    #[inline]
    pub fn get(place: usize) -> usize {
        // SAFETY: reads a word of the thread's own block.
        unsafe { ((begin() + place) as *const usize).read_volatile() }
    }

    #[inline]
    pub fn set(place: usize, value: usize) {
        // SAFETY: writes a word of the thread's own block.
        unsafe { ((begin() + place) as *mut usize).write_volatile(value) };
    }

    /// Where the words of the calling thread begin. A signal handler is all that can come between this
    /// and a use of it: a green thread switches in calls only.
    #[inline]
    pub fn begin() -> usize {
        let address: usize;
        // SAFETY: reads a register, and the word that the dynamic linker has written.
        unsafe {
            asm!(
                "adrp {offset}, :gottprel:unicoro_thread_words",
                "ldr {offset}, [{offset}, :gottprel_lo12:unicoro_thread_words]",
                "mrs {address}, tpidr_el0",
                "add {address}, {address}, {offset}",
                offset = out(reg) _,
                address = out(reg) address,
                // Not `pure`: it is another's after a switch.
                options(nostack, readonly, preserves_flags),
            );
        }
        address
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
