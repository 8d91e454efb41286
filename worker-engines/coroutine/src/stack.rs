//! Where a green thread's stack lies.
//!
//! may and generator do not tell, so it is found by what generator writes: a sentinel in the lowest
//! words of each stack.
//!
//! ```text
//!   top ───────────────┐ page aligned; the first frames lie just below
//!                      │
//!   bottom ─ sentinel ─┤ top - coroutine_stack_size
//!            guard page│ PROT_NONE
//! ```
#![allow(unsafe_code)]

use std::ops::Range;

use crate::error::{EngineError, StartError};

const PAGE: usize = 4096;
/// generator 0.8.12, `STACK_SENTINEL`.
const SENTINEL: usize = 0xDEAD_BEEF;
/// generator 0.8.12, `STACK_USAGE_SAMPLE`: words of sentinel.
const SENTINEL_WORDS: usize = 8;
/// The frames between a stack's top and ours are far smaller than this many pages.
const SEARCH_PAGES: usize = 32;

/// Finds the stack that the caller runs on, of `bytes` bytes, and keeps huge pages off it: with
/// transparent huge pages always on, its first touch would commit 2 MiB.
///
/// Called by a green thread in its first frames.
///
/// # Errors
/// generator has changed what it writes.
pub fn prepare(bytes: usize) -> Result<Range<usize>, StartError> {
    let stack = find(bytes).ok_or(StartError::UnknownStack)?;
    // SAFETY: the range is the mapping of our own stack; the advice changes no contents. It fails
    // where the kernel has no huge pages, which is as good.
    unsafe { libc::madvise(stack.start as *mut _, stack.len(), libc::MADV_NOHUGEPAGE) };
    Ok(stack)
}

fn find(bytes: usize) -> Option<Range<usize>> {
    let here = (&raw const bytes) as usize;
    let lowest_top = here.next_multiple_of(PAGE);
    // From above: a candidate too high reads untouched stack, one too low would read the guard.
    for pages in (0..SEARCH_PAGES).rev() {
        let bottom = lowest_top + pages * PAGE - bytes;
        // SAFETY: the true bottom is at or below this one, because candidates come from above and
        // we have not met it; so these words are readable stack.
        let words = unsafe { std::slice::from_raw_parts(bottom as *const usize, SENTINEL_WORDS) };
        if words.iter().all(|word| *word == SENTINEL) {
            return Some(bottom..bottom + bytes);
        }
    }
    None
}

/// Gives the page of the sentinel back, until [`mark`].
pub fn unmark(stack: &Range<usize>) {
    if !stack.is_empty() {
        // SAFETY: the lowest page of the stack that we stand on, far above; it holds nothing else.
        unsafe { libc::madvise(stack.start as *mut _, PAGE, libc::MADV_DONTNEED) };
    }
}

/// Writes the sentinel again, at the end of a green thread: may ends the process, without a word
/// and with the status 1, when it is told to keep a stack whose lowest word was written to. A
/// recursion may come that far and be none too deep; one that goes beyond hits the guard (see
/// [`crate::overflow`]). And [`prepare`] looks for it.
pub fn mark(stack: Range<usize>) {
    if !stack.is_empty() {
        // SAFETY: the lowest words of the stack that we stand on, far above; nobody reads or writes
        // there now.
        unsafe { std::slice::from_raw_parts_mut(stack.start as *mut usize, SENTINEL_WORDS) }
            .fill(SENTINEL);
    }
}

/// Gives the unused part of a stack back to the kernel: from its bottom to `in_use.end`, below which the
/// frames of the park itself lie.
pub fn give_back(in_use: Range<usize>) {
    let start = in_use.start;
    let end = in_use.end.saturating_sub(FRAMES_OF_A_PARK) / PAGE * PAGE;
    if start < end {
        // SAFETY: within the stack of a green thread that is parked, below its frames. What is read
        // there next is zero.
        unsafe { libc::madvise(start as *mut _, end - start, libc::MADV_DONTNEED) };
    }
}

/// may and generator stand on the stack below the frame that parks; far more than they use.
const FRAMES_OF_A_PARK: usize = 4 * PAGE;

/// Whether stacks of this size can be made: generator takes RLIMIT_STACK's hard limit as a cap.
///
/// # Errors
/// They cannot.
pub fn check_limit(bytes: usize) -> Result<(), EngineError> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` outlives the call.
    unsafe { libc::getrlimit(libc::RLIMIT_STACK, &raw mut limit) };
    if limit.rlim_max != libc::RLIM_INFINITY && (bytes + 2 * PAGE) as u64 > limit.rlim_max {
        return Err(EngineError::StackLimit { bytes, limit: limit.rlim_max });
    }
    Ok(())
}
