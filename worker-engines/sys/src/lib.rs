//! The fence around libc: everything that needs `unsafe` to ask the kernel for something.
//!
//! The rest of the program sees newtypes, owned descriptors and `io::Result`. Nothing here knows
//! what a worker, a request or a setting is.
//!
//! The rule a reader would break: the executable defines its own `read`, `write`, `poll`,
//! `waitpid` ... for green threads, and the dynamic linker gives those to us as well. Whatever
//! must reach the kernel itself (the engines, signal handlers, log lines, the supervisor's waits) makes
//! the system call directly. rustix does that, in assembly of its own: no function of libc's, no
//! errno, no thread-local variable, nothing to set up. So its calls are safe in a signal handler, in a
//! forked child and under any thread's block.
//!
//! libc's own functions are called where they do more than the kernel (`fork`, `setuid`,
//! `sigaction`), where what stands in front of them has to know (`dup3`, `pthread_sigmask`), and where
//! rustix has none (`kill` with any number, `tgkill`, some socket options).

pub mod activity;
pub mod address;
pub mod alarm_clock;
pub mod bytes;
pub mod clock;
pub mod credentials;
pub mod daemon;
pub mod environment;
pub mod event_fd;
pub mod fd;
pub mod host_name;
pub mod inotify;
pub mod library;
pub mod passed_fds;
pub mod pipe;
pub mod poll;
pub mod process;
mod second_handler;
pub mod shared;
pub mod shortage;
pub mod signal;
pub mod signal_pipe;
pub mod socket;
pub mod tcp;
pub mod title;
pub mod unix_socket;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// rustix has a second way of making calls, by libc's functions, which the executable defines: a
    /// feature of some other crate's, or a default of a later version, would choose it for us too. libc
    /// tells errors by errno, the kernel does not.
    #[test]
    #[allow(unsafe_code)]
    fn system_calls_are_made_directly() {
        const OURS: i32 = 4242;
        // SAFETY: errno's address is the calling thread's own and always valid.
        unsafe { *libc::__errno_location() = OURS };
        let nobody = fd::lent(9999).unwrap();
        let mut byte = [0];
        assert!(bytes::read(nobody, &mut byte).is_err());
        assert!(bytes::write(nobody, &byte).is_err());
        assert!(bytes::write_nowait(nobody, &byte).is_err());
        assert!(fd::set_nonblocking(nobody, true).is_err());
        assert!(socket::accept(nobody).is_err());
        assert!(socket::receive(nobody, &mut Vec::with_capacity(1)).is_err());
        assert!(process::wait_for(process::Pid::me()).is_err());
        poll::poll(&mut [poll::readable(nobody)], Some(Duration::ZERO)).unwrap();
        // SAFETY: as above.
        assert_eq!(unsafe { *libc::__errno_location() }, OURS);
    }
}
