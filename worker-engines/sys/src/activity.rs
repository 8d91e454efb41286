//! What a thread of this process is at, as the kernel sees it: it computes, or it waits in a system call
//! (proc(5)).

use std::fs;
use std::thread;
use std::time::Duration;

/// What a thread was seen at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// It runs, or would if it had a processor.
    Computes,
    /// It waits in the system call of this number, with this first argument.
    Waits {
        /// As in asm/unistd_64.h.
        call: i64,
        /// An address or a descriptor, mostly.
        first: u64,
    },
}

/// Looks, of which most decide.
const LOOKS: usize = 9;
const PAUSE: Duration = Duration::from_millis(2);

/// Looks at a thread for some milliseconds; `thread` as gettid(2) numbers it. `None`: /proc does not
/// tell.
#[must_use]
pub fn activity_of(thread: i32) -> Option<Activity> {
    let mut waits = Vec::new();
    for _ in 0..LOOKS {
        if let Some(waiting) = look(thread)? {
            waits.push(waiting);
        }
        thread::sleep(PAUSE);
    }
    if waits.len() * 2 > LOOKS { waits.pop() } else { Some(Activity::Computes) }
}

/// One look: in what it waits, if it does.
fn look(thread: i32) -> Option<Option<Activity>> {
    // "running", or the number of the call, its arguments, and two registers.
    let text = fs::read_to_string(format!("/proc/self/task/{thread}/syscall")).ok()?;
    Some(parse(&text))
}

fn parse(text: &str) -> Option<Activity> {
    let mut fields = text.split_whitespace();
    let call = fields.next()?.parse().ok().filter(|call| *call >= 0)?;
    let first = u64::from_str_radix(fields.next()?.trim_start_matches("0x"), 16).ok()?;
    Some(Activity::Waits { call, first })
}

/// The name of a system call that threads wait in, or its number.
#[must_use]
pub fn name_of_call(call: i64) -> String {
    let known = [
        (libc::SYS_clock_nanosleep, "clock_nanosleep"),
        (libc::SYS_connect, "connect"),
        (libc::SYS_epoll_pwait, "epoll_pwait"),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_epoll_wait, "epoll_wait"),
        (libc::SYS_fdatasync, "fdatasync"),
        (libc::SYS_flock, "flock"),
        (libc::SYS_fsync, "fsync"),
        (libc::SYS_futex, "futex"),
        (libc::SYS_io_getevents, "io_getevents"),
        (libc::SYS_io_uring_enter, "io_uring_enter"),
        (libc::SYS_ioctl, "ioctl"),
        (libc::SYS_nanosleep, "nanosleep"),
        (libc::SYS_openat, "openat"),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_poll, "poll"),
        (libc::SYS_ppoll, "ppoll"),
        (libc::SYS_pread64, "pread"),
        (libc::SYS_pselect6, "pselect6"),
        (libc::SYS_pwrite64, "pwrite"),
        (libc::SYS_read, "read"),
        (libc::SYS_recvfrom, "recvfrom"),
        (libc::SYS_recvmsg, "recvmsg"),
        (libc::SYS_rt_sigtimedwait, "rt_sigtimedwait"),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_select, "select"),
        (libc::SYS_semtimedop, "semtimedop"),
        (libc::SYS_sendto, "sendto"),
        (libc::SYS_wait4, "wait4"),
        (libc::SYS_write, "write"),
    ];
    let name = known.iter().find(|(number, _)| *number == call);
    name.map_or_else(|| format!("number {call}"), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Instant;

    use super::*;
    use crate::process::thread_id;

    /// A thread that does `body` after it has said who it is.
    fn seen(body: impl FnOnce() + Send + 'static) -> Option<Activity> {
        let (said, number) = mpsc::channel();
        let thread = thread::spawn(move || {
            said.send(thread_id()).expect("the test waits for it");
            body();
        });
        let seen = activity_of(number.recv().expect("it says so at once"));
        thread.join().expect("it does not panic");
        seen
    }

    #[test]
    fn who_computes_is_told_from_who_waits() {
        const LONG: Duration = Duration::from_millis(500);
        let compute = || {
            let began = Instant::now();
            while began.elapsed() < LONG {}
        };
        assert_eq!(seen(compute), Some(Activity::Computes));
        let waits = seen(|| thread::sleep(LONG));
        let Some(Activity::Waits { call, .. }) = waits else { panic!("{waits:?}") };
        assert_eq!(name_of_call(call), "clock_nanosleep");
        assert_eq!(activity_of(i32::MAX), None);
    }

    #[test]
    fn a_line_of_proc_is_read() {
        assert_eq!(parse("running\n"), None);
        assert_eq!(parse("-1 0x7ffd 0x7f\n"), None);
        let line = "202 0x7f3a10 0x189 0x0 0x0 0x0 0xffffffff 0x7f 0x7f\n";
        assert_eq!(parse(line), Some(Activity::Waits { call: libc::SYS_futex, first: 0x7f_3a10 }));
        assert_eq!(name_of_call(9999), "number 9999");
    }
}
