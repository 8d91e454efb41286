//! What each thread has for itself, each green thread has as well.

use std::cell::Cell;
use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::stage::{job, let_others_wait, run};

thread_local! {
    static VARIABLE: Cell<usize> = const { Cell::new(0) };
    // With a destructor, which libc runs at the end of a thread.
    static COUNTED: Counted = const { Counted(Cell::new(0)) };
}

static ENDED: AtomicUsize = AtomicUsize::new(0);
/// Of these, who was told of a stack that it was not on.
static OUTSIDE: AtomicUsize = AtomicUsize::new(0);

struct Counted(Cell<usize>);

impl Drop for Counted {
    fn drop(&mut self) {
        // Where it is may be asked there too, as CPython 3.14 does.
        let here = 0u8;
        let (base, len) = crate::identity::stack_of(unsafe { libc::pthread_self() });
        if !(base..base + len).contains(&(&raw const here as usize)) {
            OUTSIDE.fetch_add(1, Ordering::SeqCst);
        }
        ENDED.fetch_add(self.0.get(), Ordering::SeqCst);
    }
}

#[test]
fn thread_local_variables_and_keys_are_each_green_threads_own() {
    let mut key = 0;
    assert_eq!(unsafe { libc::pthread_key_create(&raw mut key, None) }, 0);
    let jobs = (1..=20).map(|number: usize| {
        job(move || {
            let before = VARIABLE.replace(number);
            unsafe { libc::pthread_setspecific(key, number as *const c_void) };
            let_others_wait();
            assert_eq!((VARIABLE.get(), before), (number, 0));
            assert_eq!(unsafe { libc::pthread_getspecific(key) } as usize, number);
            // The next request of this green thread begins as this one did.
            VARIABLE.set(0);
        })
    });
    run(jobs.collect());
    assert_eq!(VARIABLE.get(), 0);
    assert!(unsafe { libc::pthread_getspecific(key) }.is_null());
}

/// In the middle of a C library's code a locale of its own is in force, for its thread only.
#[test]
fn a_locale_is_each_green_threads_own() {
    let jobs = (0..4).map(|number| {
        job(move || unsafe {
            let name = if number % 2 == 0 { c"C" } else { c"C.UTF-8" };
            let own = libc::newlocale(libc::LC_ALL_MASK, name.as_ptr(), std::ptr::null_mut());
            assert!(!own.is_null());
            let before = libc::uselocale(own);
            let_others_wait();
            assert_eq!(libc::uselocale(before), own);
            libc::freelocale(own);
        })
    });
    run(jobs.collect());
}

/// glibc has each thread make such a call, and waits for all of them.
#[test]
fn calls_that_change_who_the_process_is_return() {
    run(vec![job(|| unsafe {
        let no_change = u32::MAX;
        assert_eq!(libc::setresuid(no_change, no_change, no_change), 0);
        assert_eq!(libc::setregid(no_change, no_change), 0);
        // Linux has no such user: it fails, and says why.
        let refused = libc::setuid(no_change);
        assert_eq!((refused, crate::stage::errno()), (-1, libc::EINVAL));
    })]);
}

/// Those that are idle end; what they have registered runs, on whatever thread.
#[test]
fn destructors_run_at_the_end_of_a_green_thread() {
    const JOBS: usize = 5;
    let arrived = Arc::new(AtomicUsize::new(0));
    let jobs = (0..JOBS).map(|_| {
        let arrived = Arc::clone(&arrived);
        job(move || {
            COUNTED.with(|counted| counted.0.set(1));
            arrived.fetch_add(1, Ordering::SeqCst);
            crate::stage::wait_until(|| arrived.load(Ordering::SeqCst) == JOBS);
        })
    });
    run(jobs.collect());
    let began = std::time::Instant::now();
    // An idle green worker ends after ten seconds.
    while ENDED.load(Ordering::SeqCst) < JOBS {
        assert!(began.elapsed() < std::time::Duration::from_secs(60), "they have not ended");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(OUTSIDE.load(Ordering::SeqCst), 0);
    // In their places others begin as any thread does.
    let others = (0..JOBS).map(|_| job(|| COUNTED.with(|counted| assert_eq!(counted.0.get(), 0))));
    run(others.collect());
}
