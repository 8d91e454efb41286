//! Waiting for children, and what children inherit.

use std::process::{Command, Stdio};
use std::time::Duration;

use libc::{c_int, pid_t};

use crate::stage::{job, let_others_wait, run, run_within};

/// A child that lives for a second and ends with 7.
fn child() -> pid_t {
    let mut command = Command::new("sh");
    command.args(["-c", "sleep 1; exit 7"]);
    command.spawn().unwrap().id().cast_signed()
}

fn ends_with_seven(status: c_int) {
    assert!(libc::WIFEXITED(status));
    assert_eq!(libc::WEXITSTATUS(status), 7);
}

/// Eight waits of a second, which one after the other would take eight.
const TOGETHER: Duration = Duration::from_secs(6);

/// Eight green threads wait each for a child of their own.
fn waits_beside_others(wait: fn(pid_t)) {
    run_within(TOGETHER, (0..8).map(|_| job(move || wait(child()))).collect());
}

#[test]
fn waitpid_parks() {
    waits_beside_others(|child| {
        let mut status = 0;
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        ends_with_seven(status);
    });
}

#[test]
fn wait4_parks() {
    waits_beside_others(|child| unsafe {
        let (mut status, mut usage) = (0, std::mem::zeroed());
        assert_eq!(libc::wait4(child, &raw mut status, 0, &raw mut usage), child);
        ends_with_seven(status);
    });
}

#[test]
fn waitid_parks_for_a_number_and_for_a_pidfd() {
    waits_beside_others(|child| unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        let id = child.cast_unsigned();
        assert_eq!(libc::waitid(libc::P_PID, id, &raw mut info, libc::WEXITED), 0);
        assert_eq!((info.si_pid(), info.si_status()), (child, 7));
    });
    waits_beside_others(|child| unsafe {
        let pidfd = libc::syscall(libc::SYS_pidfd_open, child, 0) as c_int;
        let id = pidfd.cast_unsigned();
        let none = std::ptr::null_mut();
        let look = libc::WEXITED | libc::WNOWAIT;
        assert_eq!(libc::waitid(libc::P_PIDFD, id, none, look), 0);
        let mut status = 0;
        assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
        ends_with_seven(status);
        libc::close(pidfd);
    });
}

#[test]
fn a_wait_for_a_process_group_lets_others_run() {
    waits_beside_others(|_leader| unsafe {
        let child = libc::fork();
        if child == 0 {
            libc::setpgid(0, 0);
            libc::execl(
                c"/bin/sh".as_ptr(),
                c"sh".as_ptr(),
                c"-c".as_ptr(),
                c"sleep 1; exit 7".as_ptr(),
                std::ptr::null::<libc::c_char>(),
            );
            libc::_exit(1);
        }
        libc::setpgid(child, child);
        let mut status = 0;
        assert_eq!(libc::waitpid(-child, &raw mut status, 0), child);
        ends_with_seven(status);
        assert_eq!(libc::waitpid(_leader, &raw mut status, 0), _leader);
    });
}

#[test]
fn system_parks() {
    let jobs = (0..8)
        .map(|_| job(|| ends_with_seven(unsafe { libc::system(c"sleep 1; exit 7".as_ptr()) })));
    run_within(TOGETHER, jobs.collect());
}

#[test]
fn a_child_of_a_green_thread_can_be_terminated() {
    // The scheduler's thread blocks all signals: a child must not inherit that.
    let spawn = || Command::new("sleep").arg("100").stdin(Stdio::null()).spawn().unwrap();
    let fork = || unsafe {
        let child = libc::fork();
        if child == 0 {
            loop {
                libc::pause();
            }
        }
        child
    };
    run(vec![job(move || terminated(spawn().id().cast_signed())), job(move || terminated(fork()))]);
}

fn terminated(child: pid_t) {
    let mut status = 0;
    unsafe {
        libc::kill(child, libc::SIGTERM);
        assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
    }
    assert!(libc::WIFSIGNALED(status));
    assert_eq!(libc::WTERMSIG(status), libc::SIGTERM);
}

#[test]
fn a_thread_of_a_green_thread_has_the_applications_mask() {
    run(vec![job(|| {
        let blocked = std::thread::spawn(|| unsafe {
            let mut set: libc::sigset_t = std::mem::zeroed();
            libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &raw mut set);
            libc::sigismember(&raw const set, libc::SIGTERM)
        });
        assert_eq!(blocked.join().unwrap(), 0);
    })]);
}

#[test]
fn a_mask_is_read_back_as_it_was_set() {
    run(vec![job(|| unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigaddset(&raw mut set, libc::SIGUSR1);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, &raw mut before);
        assert_eq!(libc::sigismember(&raw const before, libc::SIGUSR1), 0);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const before, &raw mut set);
        assert_eq!(libc::sigismember(&raw const set, libc::SIGUSR1), 1);
        assert_eq!(libc::sigprocmask(77, &raw const before, std::ptr::null_mut()), -1);
    })]);
}

#[test]
fn each_green_thread_has_its_own_mask() {
    let jobs = (0..2).map(|index| {
        job(move || unsafe {
            let signal = [libc::SIGUSR1, libc::SIGUSR2][index];
            let mut set: libc::sigset_t = std::mem::zeroed();
            libc::sigaddset(&raw mut set, signal);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut());
            let_others_wait();
            let mut now: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut set);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const set, &raw mut now);
            let both = [libc::SIGUSR1, libc::SIGUSR2].map(|s| libc::sigismember(&raw const now, s));
            assert_eq!(both[index], 1);
            assert_eq!(both[1 - index], 0);
        })
    });
    run(jobs.collect());
}

#[test]
fn the_child_of_a_vfork_never_switches() {
    // As subprocess does it: all signals blocked, our memory, the interpreter's lock released.
    extern "C" fn child(_: *mut libc::c_void) -> c_int {
        unsafe { libc::usleep(50_000) }
    }
    let ours = unsafe { libc::getpid() };
    run(vec![
        job(|| unsafe {
            let [mut all, mut before]: [libc::sigset_t; 2] = std::mem::zeroed();
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const all, &raw mut before);
            let mut stack = vec![0u8; 64 * 1024];
            let top = stack.as_mut_ptr().add(stack.len()).cast();
            let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
            let pid = libc::clone(child, top, flags, std::ptr::null_mut());
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut());
            let mut status = 0;
            assert_eq!(libc::waitpid(pid, &raw mut status, 0), pid);
            assert_eq!(status, 0);
        }),
        job(move || {
            for _ in 0..20 {
                unsafe { libc::usleep(1000) };
                assert_eq!(unsafe { libc::getpid() }, ours);
            }
        }),
    ]);
}
