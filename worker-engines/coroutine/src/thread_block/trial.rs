//! The trial at the begin: whether threads look here as we know them, and have each their own.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::ffi::c_void;

use super::block::ThreadBlock;
use super::register::under;
use super::{layout, register, slot};
use crate::error::StartError;

/// Finds out how threads look in this C library, and tries two of them. Before the first block, on the
/// scheduler's thread.
///
/// # Errors
/// Green threads cannot run here.
pub fn prepare() -> Result<(), StartError> {
    register::find_way();
    if !layout::find()? {
        return Err(StartError::UnknownThreads);
    }
    slot::choose_numbers();
    let new = || ThreadBlock::new().map_err(StartError::NoThread);
    let (first, second) = (new()?, new()?);
    if try_out(&first, &second) { Ok(()) } else { Err(StartError::SharedThreads) }
}

/// Whether two threads have two of everything: a thread-local variable, errno, a key's value, a
/// `pthread_t`, and a recursive mutex that lets only its owner in.
fn try_out(first: &ThreadBlock, second: &ThreadBlock) -> bool {
    let mut trial = Trial::new();
    let mut seen = [None, None];
    for (index, block) in [first, second].into_iter().enumerate() {
        // SAFETY: nobody runs under it; `trial` takes no thread-local address across.
        unsafe { under(block.address(), &mut || seen[index] = Some(trial.enter(index))) };
    }
    // SAFETY: as above.
    unsafe { under(first.address(), &mut || trial.leave()) };
    let own = |index: usize, block: &ThreadBlock| {
        Some(Seen { thread: block.address(), was_empty: true, has_locked: index == 0 })
    };
    seen == [own(0, first), own(1, second)] && trial.is_intact
}

struct Trial {
    key: libc::pthread_key_t,
    mutex: UnsafeCell<libc::pthread_mutex_t>,
    is_intact: bool,
}

#[derive(PartialEq)]
struct Seen {
    thread: usize,
    was_empty: bool,
    has_locked: bool,
}

thread_local! {
    static TRIED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

impl Trial {
    fn new() -> Self {
        let mut trial = Self {
            key: 0,
            mutex: UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER),
            is_intact: false,
        };
        // SAFETY: initialised once each, of what outlives the calls.
        unsafe {
            libc::pthread_key_create(&raw mut trial.key, None);
            let mut attributes: libc::pthread_mutexattr_t = std::mem::zeroed();
            libc::pthread_mutexattr_init(&raw mut attributes);
            libc::pthread_mutexattr_settype(&raw mut attributes, libc::PTHREAD_MUTEX_RECURSIVE);
            libc::pthread_mutex_init(trial.mutex.get(), &raw const attributes);
        }
        trial
    }

    /// Takes everything, under the block of one thread.
    #[inline(never)]
    fn enter(&self, index: usize) -> Seen {
        let value = (index + 1) as *const c_void;
        // SAFETY: a key and a mutex of ours.
        unsafe {
            let was_empty = TRIED.replace(index + 1) == 0
                && *libc::__errno_location() == 0
                && libc::pthread_getspecific(self.key).is_null();
            *libc::__errno_location() = libc::EDOM;
            libc::pthread_setspecific(self.key, value);
            let has_locked = libc::pthread_mutex_trylock(self.mutex.get()) == 0;
            Seen { thread: libc::pthread_self() as usize, was_empty, has_locked }
        }
    }

    /// Gives it back under the block of the first.
    #[inline(never)]
    fn leave(&mut self) {
        // SAFETY: as in `enter`; it has the mutex.
        unsafe {
            self.is_intact = TRIED.replace(0) == 1
                && libc::pthread_getspecific(self.key) as usize == 1
                && libc::pthread_mutex_unlock(self.mutex.get()) == 0;
            *libc::__errno_location() = 0;
            libc::pthread_key_delete(self.key);
        }
    }
}
