//! What the operator can do where the kernel has no more descriptors or threads for us.

use std::fmt;
use std::io;

/// An error of a call that makes a descriptor, a thread or a process, with which limit to raise.
#[derive(Debug)]
pub struct Explained<'e>(pub &'e io::Error);

impl fmt::Display for Explained<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let remedy = match self.0.raw_os_error() {
            Some(libc::EMFILE) => "raise the limit of open files (ulimit -n, LimitNOFILE=)",
            Some(libc::ENFILE) => "raise the system's limit of open files (fs.file-max)",
            // pthread_create(3) says so of a stack that finds no addresses, too.
            Some(libc::EAGAIN) => {
                "raise the limit of processes and threads (ulimit -u, TasksMax=, a container's pids limit), or \
                 that of addresses (ulimit -v)"
            }
            _ => return write!(f, "{}", self.0),
        };
        write!(f, "{}; {remedy}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortage_is_told_with_the_limit_to_raise() {
        for (number, limit) in [
            (libc::EMFILE, "ulimit -n"),
            (libc::ENFILE, "fs.file-max"),
            (libc::EAGAIN, "ulimit -u"),
        ] {
            let error = io::Error::from_raw_os_error(number);
            let text = Explained(&error).to_string();
            assert!(text.starts_with(&error.to_string()) && text.contains(limit), "{text}");
        }
        let error = io::Error::from_raw_os_error(libc::EPERM);
        assert_eq!(Explained(&error).to_string(), error.to_string());
    }
}
