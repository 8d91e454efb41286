//! Wakes of whoever waits for a word of memory, from any thread and whatever that is at.
//!
//! A green thread with the scheduler's role finds the waiters itself; any other thread leaves a mark and
//! rings the bell (see [`crate::words`]).

use crate::errno::{errno, set_errno};
use crate::wait::Woken;
use crate::{fork, green, words};

/// The lock or the condition variable at `word` lets up to `most` go on. From any thread, whatever it
/// is at; errno stays.
#[inline]
pub fn let_go_on(word: usize, most: usize) {
    if words::is_awaited(word) && !fork::is_child() {
        wake_from_anywhere(word, most);
    }
}

/// The same for whoever waits for `word`; how many do go on. Not told when another OS thread has to wake
/// them: 0.
#[cold]
pub fn wake_from_anywhere(word: usize, most: usize) -> usize {
    let before = errno();
    // In use if the engine's own memory is being allocated, under a lock of the allocator's.
    let inside = green::inside();
    let words = inside.as_ref().map(|inside| inside.green().core().words.try_borrow_mut());
    let woken = match words.and_then(Result::ok) {
        Some(mut words) => words.wake(word, most, Woken::Ready),
        None => {
            words::woken_elsewhere(word);
            0
        }
    };
    set_errno(before);
    woken
}
