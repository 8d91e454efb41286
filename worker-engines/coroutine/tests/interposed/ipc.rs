//! Semaphores and message queues of System V, and tcdrain.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use libc::c_short;

use crate::stage::{errno, job, let_others_wait, lets_others_run, owned, run, wait_until};

/// `waits` waits until another green thread `wakes`.
fn parks(waits: impl FnOnce() + Send + 'static, wakes: impl FnOnce() + Send + 'static) {
    let begun = Arc::new(AtomicBool::new(false));
    let has_begun = Arc::clone(&begun);
    run(vec![
        job(move || {
            has_begun.store(true, Ordering::SeqCst);
            waits();
        }),
        job(move || {
            wait_until(|| begun.load(Ordering::SeqCst));
            let_others_wait();
            wakes();
        }),
    ]);
}

fn change(id: i32, by: c_short, flags: i32) -> i32 {
    let mut one = libc::sembuf { sem_num: 0, sem_op: by, sem_flg: flags as c_short };
    unsafe { libc::semop(id, &raw mut one, 1) }
}

#[test]
fn semop_parks_until_another_green_thread_lets_it() {
    let id = unsafe { libc::semget(libc::IPC_PRIVATE, 1, 0o600) };
    assert!(id >= 0, "errno {}", errno());
    parks(
        move || {
            let tried = change(id, -1, libc::IPC_NOWAIT);
            assert_eq!((tried, errno()), (-1, libc::EAGAIN));
            assert_eq!(change(id, -1, 0), 0, "errno {}", errno());
        },
        move || assert_eq!(change(id, 1, 0), 0),
    );
    run(vec![job(|| assert_eq!((change(-1, 1, 0), errno()), (-1, libc::EINVAL)))]);
    unsafe { libc::semctl(id, 0, libc::IPC_RMID) };
}

#[repr(C)]
struct Message {
    kind: libc::c_long,
    text: [u8; 4096],
}

fn send(id: i32) -> i32 {
    let message = Message { kind: 1, text: [0; 4096] };
    unsafe { libc::msgsnd(id, (&raw const message).cast(), 4096, 0) }
}

fn receive(id: i32, flags: i32) -> isize {
    let mut message = Message { kind: 0, text: [0; 4096] };
    unsafe { libc::msgrcv(id, (&raw mut message).cast(), 4096, 0, flags) }
}

#[test]
fn message_queues_park_when_they_are_empty_and_when_they_are_full() {
    let id = unsafe { libc::msgget(libc::IPC_PRIVATE, 0o600) };
    assert!(id >= 0, "errno {}", errno());
    parks(
        move || {
            assert_eq!((receive(id, libc::IPC_NOWAIT), errno()), (-1, libc::ENOMSG));
            assert_eq!(receive(id, 0), 4096, "errno {}", errno());
        },
        move || assert_eq!(send(id), 0),
    );
    // A queue takes 16 KiB by default (msgmnb), or what the system says: more than it takes.
    parks(
        move || (0..64).for_each(|_| assert_eq!(send(id), 0, "errno {}", errno())),
        move || (0..64).for_each(|_| assert_eq!(receive(id, 0), 4096, "errno {}", errno())),
    );
    unsafe { libc::msgctl(id, libc::IPC_RMID, std::ptr::null_mut()) };
}

#[test]
fn tcdrain_lets_others_run_and_carries_errno_back() {
    let (mut master, mut slave) = (0, 0);
    let none = std::ptr::null_mut();
    let made = unsafe {
        libc::openpty(&raw mut master, &raw mut slave, none, std::ptr::null(), std::ptr::null())
    };
    assert_eq!(made, 0);
    let (_master, slave_end) = (owned(master), owned(slave));
    lets_others_run(move || assert_eq!(unsafe { libc::tcdrain(slave) }, 0));
    drop(slave_end);
    run(vec![job(|| assert_eq!((unsafe { libc::tcdrain(9999) }, errno()), (-1, libc::EBADF)))]);
}
