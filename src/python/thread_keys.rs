//! Keys of thread-specific data (pthreads(7)), for the libraries whose thread-local variables each
//! green thread has a set of (see `library_locals`): what such a library keeps under its keys is each
//! green thread's own as well. absl, and with it grpcio, keeps there who waits.
//!
//! Whose key it is depends on who has made it, so that one question of a bit answers for all others.
#![allow(unsafe_code)]

use std::arch::naked_asm;
use std::cell::RefCell;
use std::ffi::{c_int, c_void};
use std::mem::{take, transmute};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use libc::pthread_key_t;
use unicoro_contract::Real;

use super::{libraries, thread_state};

/// glibc's `PTHREAD_KEYS_MAX`.
const MOST: usize = 1024;
/// A bit for each key that such a library has made.
static OURS: [AtomicU64; MOST / 64] = [const { AtomicU64::new(0) }; MOST / 64];
/// Their destructors, or null.
static DESTRUCTORS: [AtomicPtr<c_void>; MOST] = [const { AtomicPtr::new(ptr::null_mut()) }; MOST];
/// As often as POSIX wants it: a destructor may set a value again.
const ROUNDS: usize = 4;

/// One green thread's values of the keys that it has set.
#[derive(Default)]
pub struct Values(RefCell<Vec<(pthread_key_t, *mut c_void)>>);

impl Values {
    fn get(&self, key: pthread_key_t) -> *mut c_void {
        let values = self.0.borrow();
        values.iter().find(|(known, _)| *known == key).map_or(ptr::null_mut(), |(_, value)| *value)
    }

    fn set(&self, key: pthread_key_t, value: *mut c_void) {
        let mut values = self.0.borrow_mut();
        values.retain(|(known, _)| *known != key);
        if !value.is_null() {
            values.push((key, value));
        }
    }

    /// The green thread, which runs, is about to end: its values are destroyed, as at the end of a
    /// thread. Whether there were any.
    pub fn end(&self) -> bool {
        let mut any = false;
        for _ in 0..ROUNDS {
            let values = take(&mut *self.0.borrow_mut());
            any |= !values.is_empty();
            for (key, value) in values {
                let destructor = DESTRUCTORS[key as usize].load(Ordering::Acquire);
                if !destructor.is_null() {
                    // SAFETY: what the key was made with, for a value that was set under it; once.
                    unsafe {
                        let destroy: unsafe extern "C" fn(*mut c_void) = transmute(destructor);
                        destroy(value);
                    }
                }
            }
        }
        any
    }
}

fn is_ours(key: pthread_key_t) -> bool {
    let key = key as usize;
    key < MOST && OURS[key / 64].load(Ordering::Acquire) & bit(key) != 0
}

fn bit(key: usize) -> u64 {
    1 << (key % 64)
}

/// `int pthread_key_create(pthread_key_t *, void (*)(void *))`, with the caller's address as a third
/// argument.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_key_create() {
    naked_asm!("mov rdx, [rsp]", "jmp {create}", create = sym create)
}

unsafe extern "C" fn create(
    key: *mut pthread_key_t,
    destructor: *mut c_void,
    caller: usize,
) -> c_int {
    type Function = unsafe extern "C" fn(*mut pthread_key_t, *mut c_void) -> c_int;
    static REAL: Real = Real::new(c"pthread_key_create");
    // SAFETY: the address is that of the function of this name and this type; the caller's
    // arguments.
    let done = unsafe { transmute::<*mut c_void, Function>(REAL.address())(key, destructor) };
    if done == 0 && libraries::keeps_locals(caller) {
        // SAFETY: the real call has written it.
        let key = unsafe { *key } as usize;
        if key < MOST {
            DESTRUCTORS[key].store(destructor, Ordering::Release);
            OURS[key / 64].fetch_or(bit(key), Ordering::Release);
        }
    }
    done
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_key_delete(key: pthread_key_t) -> c_int {
    type Function = unsafe extern "C" fn(pthread_key_t) -> c_int;
    static REAL: Real = Real::new(c"pthread_key_delete");
    if is_ours(key) {
        // The next key of this number may be anybody's, and values of the old one are not destroyed.
        DESTRUCTORS[key as usize].store(ptr::null_mut(), Ordering::Release);
        OURS[key as usize / 64].fetch_and(!bit(key as usize), Ordering::Release);
    }
    // SAFETY: as above.
    unsafe { transmute::<*mut c_void, Function>(REAL.address())(key) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_getspecific(key: pthread_key_t) -> *mut c_void {
    type Function = unsafe extern "C" fn(pthread_key_t) -> *mut c_void;
    static REAL: Real = Real::new(c"pthread_getspecific");
    if is_ours(key)
        && let Some(green) = thread_state::current()
    {
        return green.keys().get(key);
    }
    // SAFETY: as above.
    unsafe { transmute::<*mut c_void, Function>(REAL.address())(key) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_setspecific(key: pthread_key_t, value: *mut c_void) -> c_int {
    type Function = unsafe extern "C" fn(pthread_key_t, *mut c_void) -> c_int;
    static REAL: Real = Real::new(c"pthread_setspecific");
    if is_ours(key)
        && let Some(green) = thread_state::current()
    {
        green.keys().set(key, value);
        return 0;
    }
    // SAFETY: as above.
    unsafe { transmute::<*mut c_void, Function>(REAL.address())(key, value) }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    static DESTROYED: AtomicUsize = AtomicUsize::new(0);

    unsafe extern "C" fn destroy(value: *mut c_void) {
        DESTROYED.fetch_add(value as usize, Ordering::Relaxed);
    }

    #[test]
    fn each_green_thread_has_values_of_its_own_which_end_with_it() {
        let (first, second) = (Values::default(), Values::default());
        let (key, other) = (1000, 1001);
        DESTRUCTORS[key as usize].store(destroy as *mut c_void, Ordering::Release);
        first.set(key, 3 as *mut c_void);
        first.set(other, 100 as *mut c_void);
        second.set(key, 4 as *mut c_void);
        first.set(key, 5 as *mut c_void);
        assert_eq!(
            [first.get(key), second.get(key), second.get(other)].map(|at| at as usize),
            [5, 4, 0]
        );
        assert!(first.end() && !first.end());
        assert_eq!(DESTROYED.load(Ordering::Relaxed), 5, "no destructor, nothing to destroy");
        second.set(key, ptr::null_mut());
        assert!(!second.end());
    }

    #[test]
    fn a_key_of_nobody_in_particular_is_the_os_threads() {
        let mut key = 0;
        // SAFETY: the key outlives the calls; the value is not looked at.
        unsafe {
            assert_eq!(libc::pthread_key_create(&raw mut key, None), 0);
            assert!(!is_ours(key));
            assert_eq!(libc::pthread_setspecific(key, 7 as *const c_void), 0);
            assert_eq!(libc::pthread_getspecific(key) as usize, 7);
            assert_eq!(libc::pthread_key_delete(key), 0);
        }
    }
}
