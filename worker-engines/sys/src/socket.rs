//! The libc fence of the engines: sockets, eventfd, poll.
//!
//! Everything here goes through `syscall(2)` and never through the libc function of that name: the
//! binary defines `recv`, `poll` and their like itself (the coroutine engine's hooks), and the
//! engines must not be caught by their own hooks.
#![allow(unsafe_code)]

use std::io::{self, IoSlice};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use crate::address::Address;

/// Receives once, without waiting, behind what `into` holds already; at most its spare capacity.
///
/// # Errors
/// recv(2); `WouldBlock` when nothing has come.
pub fn receive(fd: BorrowedFd<'_>, into: &mut Vec<u8>) -> io::Result<usize> {
    let spare = into.spare_capacity_mut();
    // SAFETY: the pointer and length describe the vector's own spare capacity, which the kernel
    // only writes to.
    let received = check(unsafe {
        libc::syscall(
            libc::SYS_recvfrom,
            fd.as_raw_fd(),
            spare.as_mut_ptr(),
            spare.len(),
            libc::MSG_DONTWAIT,
            0usize,
            0usize,
        )
    })?;
    // SAFETY: the kernel initialised the first `received` bytes of the spare capacity.
    unsafe { into.set_len(into.len() + received) };
    Ok(received)
}

/// Sends what it can of `parts` in one call, without waiting.
///
/// # Errors
/// sendmsg(2); `WouldBlock` when the socket's buffer is full. Never raises SIGPIPE.
pub fn send(fd: BorrowedFd<'_>, parts: &[IoSlice<'_>]) -> io::Result<usize> {
    if let [one] = parts {
        // SAFETY: the slice is valid for reads of its length.
        return check(unsafe {
            libc::syscall(
                libc::SYS_sendto,
                fd.as_raw_fd(),
                one.as_ptr(),
                one.len(),
                libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
                0usize,
                0usize,
            )
        });
    }
    // SAFETY: an all-zero msghdr is a valid empty one.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = parts.as_ptr().cast::<libc::iovec>().cast_mut();
    message.msg_iovlen = parts.len();
    // SAFETY: IoSlice is ABI-compatible with iovec (its documentation), sendmsg only reads it, and
    // `message` lives across the call.
    check(unsafe {
        libc::syscall(
            libc::SYS_sendmsg,
            fd.as_raw_fd(),
            &raw const message,
            libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
        )
    })
}

/// Sends up to `count` bytes of a file from `offset` on, without waiting for the socket.
///
/// # Errors
/// sendfile(2); `WouldBlock` when the socket's buffer is full.
pub fn send_file(fd: BorrowedFd<'_>, file: RawFd, offset: u64, count: usize) -> io::Result<usize> {
    let mut position = offset.cast_signed();
    // SAFETY: `position` outlives the call; a number that is no open file is an error (EBADF).
    check(unsafe {
        libc::syscall(libc::SYS_sendfile, fd.as_raw_fd(), file, &raw mut position, count)
    })
}

/// Bytes sent that the peer's kernel has not confirmed yet (`SIOCOUTQ`: tcp(7), unix(7)).
pub fn untaken(fd: BorrowedFd<'_>) -> u64 {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the kernel writes one int, which outlives the call. TIOCOUTQ is the same number.
    let result =
        unsafe { libc::syscall(libc::SYS_ioctl, fd.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    if result == 0 { u64::try_from(bytes).unwrap_or(0) } else { 0 }
}

/// Accepts one connection, non-blocking and close-on-exec.
///
/// # Errors
/// accept4(2); `WouldBlock` when none waits.
pub fn accept(listener: BorrowedFd<'_>) -> io::Result<(OwnedFd, Address)> {
    // SAFETY: an all-zero sockaddr_storage is valid; the kernel fills it up to `len`.
    let mut storage: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
    let mut len = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    // SAFETY: the address buffer and its length outlive the call.
    let fd = check(unsafe {
        libc::syscall(
            libc::SYS_accept4,
            listener.as_raw_fd(),
            &raw mut storage,
            &raw mut len,
            libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC,
        )
    })?;
    // SAFETY: the kernel has just made this descriptor for us.
    let fd = unsafe { OwnedFd::from_raw_fd(fd as RawFd) };
    Ok((fd, Address::from_storage(&storage, len as usize)))
}

/// The address that this end of a socket is bound to (getsockname(2)).
pub fn local_address(fd: BorrowedFd<'_>) -> io::Result<Address> {
    // SAFETY: an all-zero sockaddr_storage is valid; the kernel fills it up to `len`.
    let mut storage: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
    let mut len = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    // SAFETY: the address buffer and its length outlive the call.
    check(i64::from(unsafe {
        libc::getsockname(fd.as_raw_fd(), (&raw mut storage).cast(), &raw mut len)
    }))?;
    Ok(Address::from_storage(&storage, len as usize))
}

/// The length of a TCP listener's accept queue: Linux tells it as `tcpi_unacked` of a socket that
/// listens (net/ipv4/tcp.c, `tcp_get_info`).
pub fn accept_queue(listener: BorrowedFd<'_>) -> Option<usize> {
    // SAFETY: an all-zero tcp_info is a valid value to be filled.
    let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
    let mut len = size_of::<libc::tcp_info>() as libc::socklen_t;
    // SAFETY: the buffer and its length outlive the call; the kernel writes at most `len` bytes.
    let result = unsafe {
        libc::getsockopt(
            listener.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut info).cast(),
            &raw mut len,
        )
    };
    (result == 0).then_some(info.tcpi_unacked as usize)
}

/// Sets what every connection inherits from its listener on Linux, so that it costs no call of its
/// own. Silent on unix sockets.
pub fn set_options(listener: BorrowedFd<'_>) {
    // Small answers must not wait for the client's acknowledgement (Nagle).
    set_tcp_option(listener, libc::TCP_NODELAY, 1);
    // What is sent beyond the client's window only fills the kernel's memory: 4 MiB for each client
    // that reads slowly, and the time to copy it.
    set_tcp_option(listener, libc::TCP_NOTSENT_LOWAT, UNSENT_MAX);
}

/// Bytes that the kernel takes for a client before they can be sent: enough to keep a fast line busy
/// between two wake-ups (20 Gbit/s in 100 us).
const UNSENT_MAX: libc::c_int = 256 * 1024;

fn set_tcp_option(socket: BorrowedFd<'_>, option: libc::c_int, value: libc::c_int) {
    // SAFETY: `value` outlives the call.
    unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            option,
            (&raw const value).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        );
    }
}

/// Has the kernel drop each SYN that comes for a listening TCP socket: a socket filter (socket(7)) sees
/// segments from the TCP header on. Handshakes under way are completed.
pub fn drop_new_syns(listener: BorrowedFd<'_>) {
    const FLAGS: u32 = 13; // The byte of the TCP header with the flags (RFC 9293, 3.1).
    const SYN: u32 = 0x02;
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut program = [
        step((libc::BPF_LD | libc::BPF_B | libc::BPF_ABS) as u16, 0, 0, FLAGS),
        step((libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K) as u16, 0, 1, SYN),
        step((libc::BPF_RET | libc::BPF_K) as u16, 0, 0, 0),
        step((libc::BPF_RET | libc::BPF_K) as u16, 0, 0, u32::MAX),
    ];
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the kernel copies the program, which outlives the call with its steps.
    unsafe {
        libc::setsockopt(
            listener.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            (&raw const program).cast(),
            size_of::<libc::sock_fprog>() as libc::socklen_t,
        );
    }
}

/// Whether [`drop_new_syns`] was called for a socket, by whatever process.
pub fn drops_new_syns(listener: BorrowedFd<'_>) -> bool {
    // In steps of the program, not in bytes; with room for none the kernel says how many there are
    // (net/core/filter.c, sk_get_filter). Nobody else's program is on a listener of ours.
    let mut steps: libc::socklen_t = 0;
    // SAFETY: nothing is written but the number, which outlives the call.
    let asked = unsafe {
        libc::getsockopt(
            listener.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_GET_FILTER,
            std::ptr::null_mut(),
            &raw mut steps,
        )
    };
    asked == 0 && steps == SYN_FILTER_STEPS
}

/// The length of the program of [`drop_new_syns`].
const SYN_FILTER_STEPS: libc::socklen_t = 4;

/// Shuts down the receiving half.
pub fn shutdown_read(fd: BorrowedFd<'_>) {
    // SAFETY: a plain call on an open descriptor.
    unsafe { libc::shutdown(fd.as_raw_fd(), libc::SHUT_RD) };
}

/// Shuts down the sending half: the client sees the end of the stream, what it still sends is read.
pub fn shutdown_write(fd: BorrowedFd<'_>) {
    // SAFETY: a plain call on an open descriptor.
    unsafe { libc::shutdown(fd.as_raw_fd(), libc::SHUT_WR) };
}

/// Shuts down both halves: nothing more can be sent or received, and who waits is woken.
pub fn shutdown_both(fd: BorrowedFd<'_>) {
    // SAFETY: a plain call on an open descriptor.
    unsafe { libc::shutdown(fd.as_raw_fd(), libc::SHUT_RDWR) };
}

/// A new eventfd(2), non-blocking and close-on-exec.
pub fn event_fd() -> io::Result<OwnedFd> {
    // SAFETY: no pointers.
    let fd = check(i64::from(unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) }))?;
    // SAFETY: just made for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// Adds one to an eventfd. Async-signal-safe.
pub fn raise(fd: BorrowedFd<'_>) {
    let one = 1u64;
    // SAFETY: eight readable bytes. A full counter (EAGAIN) wakes just as well.
    unsafe { libc::syscall(libc::SYS_write, fd.as_raw_fd(), &raw const one, 8usize) };
}

/// Empties an eventfd.
pub fn lower(fd: BorrowedFd<'_>) {
    let mut count = 0u64;
    // SAFETY: eight writable bytes. EAGAIN means it was empty.
    unsafe { libc::syscall(libc::SYS_read, fd.as_raw_fd(), &raw mut count, 8usize) };
}

/// One descriptor in a [`poll_set`]; the layout of `struct pollfd`.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct PollSlot(libc::pollfd);

impl PollSlot {
    /// Asks for readability.
    #[must_use]
    pub fn readable(fd: RawFd) -> Self {
        Self(libc::pollfd { fd, events: libc::POLLIN, revents: 0 })
    }

    /// Whether the last poll found anything, an error or a hang-up included.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.revents != 0
    }
}

/// poll(2) by the OS thread; `None` waits without end. Returns early, with 0, on a signal.
///
/// # Errors
/// poll(2), but never `Interrupted`.
pub fn poll_set(slots: &mut [PollSlot], timeout: Option<Duration>) -> io::Result<usize> {
    // Rounded up: a wait that ends a fraction early would be repeated with a time-out of 0.
    let millis =
        timeout.map_or(-1, |t| i32::try_from(t.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX));
    // SAFETY: PollSlot is a transparent pollfd; pointer and length describe the slice.
    match check(unsafe { libc::syscall(libc::SYS_poll, slots.as_mut_ptr(), slots.len(), millis) }) {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {
            for slot in slots {
                slot.0.revents = 0;
            }
            Ok(0)
        }
        done => done,
    }
}

/// poll(2) for one descriptor; whether it is ready (or broken) before `timeout` has passed.
///
/// # Errors
/// poll(2).
pub fn poll_one(fd: RawFd, write: bool, timeout: Option<Duration>) -> io::Result<bool> {
    let events = if write { libc::POLLOUT } else { libc::POLLIN };
    let mut slot = [PollSlot(libc::pollfd { fd, events, revents: 0 })];
    Ok(poll_set(&mut slot, timeout)? > 0)
}

/// Whether the peer has closed its sending end, or the connection is broken.
pub fn is_hung_up(fd: BorrowedFd<'_>) -> bool {
    let events = libc::POLLRDHUP;
    let mut slot = [PollSlot(libc::pollfd { fd: fd.as_raw_fd(), events, revents: 0 })];
    // POLLERR and POLLHUP come unasked (poll(2)).
    poll_set(&mut slot, Some(Duration::ZERO)).is_ok_and(|ready| ready > 0)
}

fn check(result: i64) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}
