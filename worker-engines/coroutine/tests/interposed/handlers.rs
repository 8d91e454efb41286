//! Signal handlers that make interposed calls: faulthandler's writes what it prints.

use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use crate::stage::{job, pipe, run};

static FD: AtomicI32 = AtomicI32::new(-1);
/// In place of the descriptor while the handler runs.
const IN_HANDLER: i32 = -2;
static HAS_RETURNED: AtomicBool = AtomicBool::new(false);

extern "C" fn writes(_signal: i32) {
    // More than a pipe takes.
    static TEXT: [u8; 128 * 1024] = [0; 128 * 1024];
    let fd = FD.swap(IN_HANDLER, Ordering::SeqCst);
    unsafe { libc::write(fd, TEXT.as_ptr().cast(), TEXT.len()) };
    HAS_RETURNED.store(true, Ordering::SeqCst);
}

/// It would switch in the middle of whatever was interrupted; an OS thread empties the pipe.
#[test]
fn a_write_in_a_signal_handler_does_not_switch() {
    let (reader, writer) = pipe();
    FD.store(writer.as_raw_fd(), Ordering::SeqCst);
    let ran_meanwhile = Arc::new(AtomicBool::new(false));
    let (ran, is_over) = (Arc::clone(&ran_meanwhile), Arc::new(AtomicBool::new(false)));
    let over = Arc::clone(&is_over);
    let emptier = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(200));
        let mut left = 128 * 1024isize;
        let mut bytes = [0u8; 4096];
        while left > 0 {
            left -= unsafe {
                libc::syscall(libc::SYS_read, reader.as_raw_fd(), bytes.as_mut_ptr(), 4096usize)
            } as isize;
        }
    });
    run(vec![
        job(move || unsafe {
            while !over.load(Ordering::SeqCst) {
                if FD.load(Ordering::SeqCst) == IN_HANDLER && !HAS_RETURNED.load(Ordering::SeqCst) {
                    ran.store(true, Ordering::SeqCst);
                }
                libc::usleep(1000);
            }
        }),
        job(move || unsafe {
            let signal = libc::SIGRTMIN() + 6;
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = writes as *const () as usize;
            action.sa_flags = libc::SA_ONSTACK;
            libc::sigaction(signal, &raw const action, std::ptr::null_mut());
            let set = 1u64 << (signal - 1);
            let how = libc::SIG_UNBLOCK;
            libc::syscall(libc::SYS_rt_sigprocmask, how, &raw const set, 0usize, 8usize);
            let (pid, thread) = (libc::getpid(), libc::syscall(libc::SYS_gettid));
            libc::syscall(libc::SYS_tgkill, pid, thread, signal);
            assert!(HAS_RETURNED.load(Ordering::SeqCst));
            is_over.store(true, Ordering::SeqCst);
        }),
    ]);
    emptier.join().unwrap();
    drop(writer);
    assert!(!ran_meanwhile.load(Ordering::SeqCst), "the handler parked");
}
