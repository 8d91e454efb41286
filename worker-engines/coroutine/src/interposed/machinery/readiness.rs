//! What the interposed calls on descriptors share: try, park until the descriptor is ready, try again.
#![allow(unsafe_code)]

use std::os::fd::RawFd;
use std::time::{Duration, Instant};

use libc::{c_int, ssize_t};

use crate::descriptors::Awaited;
use crate::errno::{errno, set_errno};
use crate::green::Green;
use crate::wait::{Ticket, Woken};

/// Why a wait for descriptors ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// One of them may be ready: look again.
    Ready,
    /// The deadline has passed.
    Deadline,
    /// The descriptor was closed; its number may be another file's by now.
    Closed,
    /// The request is overdue, and the caller listens: the call ends with this error, `EINTR`.
    Interrupted(c_int),
}

/// The waits of one blocking call: all end at one deadline.
pub struct Wait<'g> {
    green: &'g Green,
    deadline: Option<Instant>,
    rounds: u32,
}

/// Wakes in a row that brought the call no further: some descriptors are ready in epoll's eyes and
/// not in the call's (an error queue, a hang-up that select(2) does not count as an exception).
const FRUITLESS: u32 = 32;
/// From then on it rests this long each time, so that it costs little.
const REST: Duration = Duration::from_millis(1);
/// How often to look at what epoll cannot watch (the limit of watches is reached, epoll sets are
/// nested too deep).
const LOOK: Duration = Duration::from_millis(10);

impl<'g> Wait<'g> {
    /// No wait yet.
    pub fn new(green: &'g Green, deadline: Option<Instant>) -> Self {
        Self { green, deadline, rounds: 0 }
    }

    /// Parks until one descriptor may be ready.
    pub fn for_one(&mut self, fd: RawFd, events: i16) -> Ended {
        let (ended, closed) = self.for_any(&[Awaited { fd, events }]);
        if closed.is_empty() { ended } else { Ended::Closed }
    }

    /// Parks until one of `all` may be ready; the second part lists those that were closed.
    pub fn for_any(&mut self, all: &[Awaited]) -> (Ended, Vec<RawFd>) {
        self.rounds += 1;
        if self.rounds > FRUITLESS
            && let ended @ (Ended::Deadline | Ended::Interrupted(_)) = self.rest(REST)
        {
            return (ended, Vec::new());
        }
        let core = self.green.core();
        let ticket = self.green.ticket();
        let mut closed = Vec::new();
        let mut is_blind = false;
        for one in all {
            let added = core.descriptors.borrow_mut().add(&core.epoll, *one, ticket);
            match added.map_err(|error| error.raw_os_error()) {
                // A regular file: always readable and writable, and never more than that.
                Ok(()) | Err(Some(libc::EPERM)) => {}
                Err(Some(libc::EBADF)) => closed.push(one.fd),
                Err(_) => is_blind = true,
            }
        }
        let ended = match closed.is_empty() {
            true if is_blind => self.park(ticket, Some(LOOK)),
            true => self.park(ticket, None),
            false => Ended::Ready,
        };
        let mut descriptors = core.descriptors.borrow_mut();
        let gone = all.iter().filter(|one| descriptors.remove(one.fd, ticket));
        closed.extend(gone.map(|one| one.fd));
        (ended, closed)
    }

    /// Parks for `time`, or until the deadline if that comes first.
    pub fn rest(&mut self, time: Duration) -> Ended {
        self.park(self.green.ticket(), Some(time))
    }

    /// Whether the deadline has passed.
    pub fn is_over(&self) -> bool {
        self.deadline.is_some_and(|at| at <= Instant::now())
    }

    fn park(&self, ticket: Ticket, at_most: Option<Duration>) -> Ended {
        let look = at_most.map(|time| Instant::now() + time);
        let until = [look, self.deadline].into_iter().flatten().min();
        match self.green.park(ticket, until) {
            Woken::Interrupted(_) => Ended::Interrupted(libc::EINTR),
            Woken::Deadline if look.is_none() || self.is_over() => Ended::Deadline,
            _ => Ended::Ready,
        }
    }
}

/// A call on one descriptor that ends when the descriptor lets it, or at the socket's time-out.
pub struct Blocking<'g> {
    green: &'g Green,
    fd: RawFd,
    events: i16,
    timeout_option: c_int,
    wait: Option<Wait<'g>>,
}

impl<'g> Blocking<'g> {
    /// A call that takes something out.
    pub fn reading(green: &'g Green, fd: RawFd) -> Self {
        Self { green, fd, events: libc::POLLIN, timeout_option: libc::SO_RCVTIMEO, wait: None }
    }

    /// A call that puts something in.
    pub fn writing(green: &'g Green, fd: RawFd) -> Self {
        Self { green, fd, events: libc::POLLOUT, timeout_option: libc::SO_SNDTIMEO, wait: None }
    }

    /// Repeats `attempt`, which must not block, until it gives something other than `EAGAIN`; parks
    /// between. A descriptor that the application made non-blocking gets its `EAGAIN`. May be
    /// called again for the rest of the same call: the time-out goes on.
    pub fn repeat(&mut self, mut attempt: impl FnMut() -> ssize_t) -> ssize_t {
        loop {
            let done = attempt();
            if done >= 0 || errno() != libc::EAGAIN {
                return done;
            }
            if is_nonblocking(self.fd) {
                return fail(libc::EAGAIN);
            }
            match self.wait() {
                Ended::Ready => {}
                // socket(7): a socket call that times out says EAGAIN.
                Ended::Deadline => return fail(libc::EAGAIN),
                Ended::Closed => return fail(libc::EBADF),
                Ended::Interrupted(error) => return fail(error),
            }
        }
    }

    /// Parks until the descriptor may be ready.
    pub fn wait(&mut self) -> Ended {
        let (fd, events) = (self.fd, self.events);
        self.wait_state().for_one(fd, events)
    }

    /// The waits of this call, for one that waits for something else than readiness too.
    pub fn wait_state(&mut self) -> &mut Wait<'g> {
        let (green, fd, option) = (self.green, self.fd, self.timeout_option);
        self.wait.get_or_insert_with(|| {
            let timeout = socket_timeout(fd, option);
            Wait::new(green, timeout.and_then(|after| Instant::now().checked_add(after)))
        })
    }
}

/// Ends a call with an error.
pub fn fail<T: From<i8>>(error: c_int) -> T {
    set_errno(error);
    T::from(-1)
}

/// Whether the application has set `O_NONBLOCK`.
pub fn is_nonblocking(fd: RawFd) -> bool {
    // SAFETY: F_GETFL takes no pointer.
    let flags = unsafe { libc::syscall(libc::SYS_fcntl, fd, libc::F_GETFL, 0) };
    flags >= 0 && flags & i64::from(libc::O_NONBLOCK) != 0
}

/// Sets or clears `O_NONBLOCK`, for the length of one call.
pub fn set_nonblocking(fd: RawFd, on: bool) {
    // SAFETY: F_GETFL and F_SETFL take no pointers.
    unsafe {
        let flags = libc::syscall(libc::SYS_fcntl, fd, libc::F_GETFL, 0);
        let bit = i64::from(libc::O_NONBLOCK);
        let flags = if on { flags | bit } else { flags & !bit };
        libc::syscall(libc::SYS_fcntl, fd, libc::F_SETFL, flags);
    }
}

/// Whether poll(2) finds one of `events`, an error or a hang-up right now.
pub fn is_ready(fd: RawFd, events: i16) -> bool {
    let mut slot = libc::pollfd { fd, events, revents: 0 };
    let mut at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let as_it_is = std::ptr::null::<libc::sigset_t>();
    // SAFETY: a pollfd and a time that outlive the call. ppoll(2), because aarch64 has no other.
    unsafe {
        libc::syscall(libc::SYS_ppoll, &raw mut slot, 1usize, &raw mut at_once, as_it_is, 0) > 0
    }
}

fn socket_timeout(fd: RawFd, option: c_int) -> Option<Duration> {
    let mut time = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let mut len = size_of::<libc::timeval>() as libc::socklen_t;
    let errno = errno();
    // SAFETY: `time` and `len` outlive the call; on what is no socket it fails and changes nothing.
    unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, option, (&raw mut time).cast(), &raw mut len) };
    set_errno(errno);
    let seconds = Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0));
    let timeout = seconds + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0));
    (!timeout.is_zero()).then_some(timeout)
}
