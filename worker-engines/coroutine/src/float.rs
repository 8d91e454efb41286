//! How this thread rounds, and which floating-point exceptions it has seen or traps (fenv(3)): part of a
//! thread, in registers that a switch of coroutines leaves alone.
#![allow(unsafe_code)]

use std::arch::asm;

/// The control words of the vector unit (MXCSR) and of the x87.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub struct Environment {
    vector: u32,
    x87: u16,
}

#[cfg(target_arch = "x86_64")]
impl Environment {
    /// That in force.
    #[inline]
    pub fn save() -> Self {
        let mut saved = Self { vector: 0, x87: 0 };
        // SAFETY: each instruction writes one word, of ours.
        unsafe {
            asm!("stmxcsr [{}]", in(reg) &raw mut saved.vector, options(nostack, preserves_flags));
            asm!("fnstcw [{}]", in(reg) &raw mut saved.x87, options(nostack, preserves_flags));
        }
        saved
    }

    /// In force again.
    #[inline]
    pub fn restore(&self) {
        // SAFETY: words that were in force on this thread: no reserved bit is set.
        unsafe {
            asm!("ldmxcsr [{}]", in(reg) &raw const self.vector, options(nostack, preserves_flags));
            asm!("fldcw [{}]", in(reg) &raw const self.x87, options(nostack, preserves_flags));
        }
    }
}

/// The registers of control (FPCR) and of what was seen (FPSR).
#[cfg(target_arch = "aarch64")]
#[derive(Clone, Copy)]
pub struct Environment {
    control: u64,
    status: u64,
}

#[cfg(target_arch = "aarch64")]
impl Environment {
    /// That in force.
    #[inline]
    pub fn save() -> Self {
        let (control, status);
        // SAFETY: reads two registers.
        unsafe {
            asm!("mrs {}, fpcr", out(reg) control, options(nostack, preserves_flags));
            asm!("mrs {}, fpsr", out(reg) status, options(nostack, preserves_flags));
        }
        Self { control, status }
    }

    /// In force again.
    #[inline]
    pub fn restore(&self) {
        // SAFETY: words that were in force on this thread: no reserved bit is set.
        unsafe {
            asm!("msr fpcr, {}", in(reg) self.control, options(nostack, preserves_flags));
            asm!("msr fpsr, {}", in(reg) self.status, options(nostack, preserves_flags));
        }
    }
}
