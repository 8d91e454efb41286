//! How this thread rounds, and which floating-point exceptions it has seen or traps (fenv(3)): part of a
//! thread, in registers that a switch of coroutines leaves alone.
#![allow(unsafe_code)]

use std::arch::asm;

/// The control words of the vector unit (MXCSR) and of the x87.
#[derive(Clone, Copy)]
pub struct Environment {
    vector: u32,
    x87: u16,
}

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
