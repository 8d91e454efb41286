//! Identities of green threads, and the functions that take them.

use std::collections::HashSet;
use std::mem::zeroed;
use std::sync::{Arc, Mutex};

use crate::stage::{errno, job, run, wait_until};

unsafe extern "C" {
    fn pthread_getattr_np(
        thread: libc::pthread_t,
        attributes: *mut libc::pthread_attr_t,
    ) -> libc::c_int;
}

/// Where the stack of a thread lies, as pthreads tells it: its lowest address, and its length.
pub fn stack_of(thread: libc::pthread_t) -> (usize, usize) {
    unsafe {
        let mut attributes: libc::pthread_attr_t = zeroed();
        assert_eq!(pthread_getattr_np(thread, &raw mut attributes), 0);
        let (mut base, mut len) = (std::ptr::null_mut(), 0);
        libc::pthread_attr_getstack(&raw const attributes, &raw mut base, &raw mut len);
        libc::pthread_attr_destroy(&raw mut attributes);
        (base as usize, len)
    }
}

#[test]
fn green_threads_differ_and_each_stays_itself() {
    let seen = Arc::new(Mutex::new(HashSet::new()));
    let jobs = (0..50).map(|_| {
        let seen = Arc::clone(&seen);
        job(move || {
            let me = unsafe { libc::pthread_self() };
            assert!(seen.lock().unwrap().insert(me));
            // One that is done would give its identity to the next.
            wait_until(|| seen.lock().unwrap().len() == 50);
            assert_eq!(unsafe { libc::pthread_self() }, me);
        })
    });
    run(jobs.collect());
}

#[test]
fn a_green_threads_stack_is_its_own_seen_from_anywhere() {
    run(vec![job(|| {
        let here = 0u8;
        let me = unsafe { libc::pthread_self() };
        let (base, len) = stack_of(me);
        assert!((base..base + len).contains(&(&raw const here as usize)));
        let elsewhere = std::thread::spawn(move || stack_of(me));
        assert_eq!(elsewhere.join().unwrap(), (base, len));
    })]);
    let here = 0u8;
    let (base, len) = stack_of(unsafe { libc::pthread_self() });
    assert!((base..base + len).contains(&(&raw const here as usize)));
}

#[test]
fn what_takes_a_thread_takes_a_green_one() {
    run(vec![job(|| unsafe {
        let me = libc::pthread_self();
        let mut clock = 0;
        assert_eq!(libc::pthread_getcpuclockid(me, &raw mut clock), 0);
        let mut time = zeroed();
        assert_eq!(libc::clock_gettime(clock, &raw mut time), 0);
        let mut name = [0; 16];
        assert_eq!(libc::pthread_setname_np(me, c"mine".as_ptr()), 0);
        assert_eq!(libc::pthread_getname_np(me, name.as_mut_ptr(), name.len()), 0);
        let (mut policy, mut param) = (0, zeroed());
        assert_eq!(libc::pthread_getschedparam(me, &raw mut policy, &raw mut param), 0);
        assert_eq!(libc::pthread_setschedparam(me, policy, &raw const param), 0);
        assert_eq!(libc::pthread_setschedprio(me, param.sched_priority), 0);
        let mut set: libc::cpu_set_t = zeroed();
        let size = size_of::<libc::cpu_set_t>();
        assert_eq!(libc::pthread_getaffinity_np(me, size, &raw mut set), 0);
        assert!(libc::CPU_COUNT(&set) > 0);
        assert_eq!(libc::pthread_setaffinity_np(me, size, &raw const set), 0);
        assert_eq!(libc::pthread_kill(me, 0), 0);
        assert_eq!(libc::pthread_detach(me), libc::EINVAL);
        assert_eq!(libc::pthread_join(me, std::ptr::null_mut()), libc::EDEADLK);
    })]);
}

#[test]
fn a_signal_to_a_green_thread_is_taken_by_the_process() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static TAKEN: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn handler(_signal: libc::c_int) {
        TAKEN.fetch_add(1, Ordering::SeqCst);
    }
    unsafe { libc::signal(libc::SIGUSR1, handler as *const () as usize) };
    run(vec![job(|| {
        let me = unsafe { libc::pthread_self() };
        assert_eq!(unsafe { libc::pthread_kill(me, libc::SIGUSR1) }, 0);
        crate::stage::wait_until(|| TAKEN.load(Ordering::SeqCst) == 1);
    })]);
}

#[test]
fn errno_is_each_green_threads_own() {
    let jobs = (0..2).map(|index| {
        job(move || unsafe {
            *libc::__errno_location() = 1000 + index;
            libc::usleep(1000);
            assert_eq!(errno(), 1000 + index);
        })
    });
    run(jobs.collect());
}

#[test]
fn interposed_calls_are_counted() {
    let count = || {
        let counts = unicoro_coroutine::counts();
        counts.iter().find(|count| count.name == "usleep").map_or(0, |count| count.parkable)
    };
    run(vec![job(move || {
        let before = count();
        assert_eq!(unsafe { libc::usleep(1) }, 0);
        assert_eq!(count(), before + 1);
    })]);
}
