//! A listening socket as an engine sees it.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use unicoro_sys::address::SocketAddress;
use unicoro_sys::{socket, tcp};

use crate::is_forked_child;

/// A bound, listening, non-blocking socket.
#[derive(Debug)]
pub struct EngineListener {
    fd: OwnedFd,
    /// Set when every connection has this local address: a listener on a wildcard has none.
    fixed_local: Option<SocketAddress>,
}

impl EngineListener {
    /// Takes over a listening socket. The caller has made it non-blocking.
    ///
    /// # Errors
    /// getsockname(2): it is no socket.
    pub fn new(fd: OwnedFd) -> io::Result<Self> {
        let local = socket::local_address(fd.as_fd())?;
        tcp::set_options(fd.as_fd());
        let fixed_local = match &local {
            SocketAddress::Ip(address) if address.ip().is_unspecified() => None,
            _ => Some(local),
        };
        Ok(Self { fd, fixed_local })
    }

    /// Accepts one waiting connection.
    ///
    /// # Errors
    /// accept4(2), to be shown to [`lacks_descriptors`]; `WouldBlock` when none waits.
    pub fn accept(&self) -> io::Result<(OwnedFd, SocketAddress)> {
        socket::accept(self.fd.as_fd())
    }

    /// How many connections wait to be accepted; `None`: the kernel does not say, as for a unix
    /// socket.
    #[must_use]
    pub fn waiting(&self) -> Option<usize> {
        tcp::queue_length(self.fd.as_fd()).map(|count| count as usize)
    }

    /// The local address of a connection that was accepted here.
    pub(crate) fn local_of(&self, connection: BorrowedFd<'_>) -> SocketAddress {
        match &self.fixed_local {
            Some(address) => address.clone(),
            None => socket::local_address(connection).unwrap_or(SocketAddress::Unix(None)),
        }
    }
}

impl Drop for EngineListener {
    /// Where nobody will accept again, a close must be one although a forked child has a copy: its
    /// queue would take clients in for as long as the child lives, or its port drop their SYNs and be
    /// no other server's. Not while somebody waits in a queue that another worker empties as well: a
    /// shutdown resets them.
    fn drop(&mut self) {
        let is_over =
            tcp::drops_new_syns(self.fd.as_fd()) && self.waiting().is_none_or(|count| count == 0);
        if is_over && !is_forked_child() {
            socket::shutdown_both(self.fd.as_fd());
        }
    }
}

impl AsFd for EngineListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for EngineListener {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

/// Says in the log why accept4(2) has failed, unless nothing is wrong. True: there is no descriptor for
/// another client, until one leaves; meanwhile the listener stays ready.
#[must_use]
pub fn lacks_descriptors(error: &io::Error) -> bool {
    match error.raw_os_error() {
        // Nothing waits, another worker was faster, or the client has left already. EINVAL: the
        // supervisor has shut a unix socket down, and our request to end is on its way.
        Some(libc::EAGAIN | libc::EINTR | libc::ECONNABORTED | libc::EINVAL) => false,
        Some(libc::EMFILE | libc::ENFILE) => {
            log::error!(
                "no file descriptor is left for another client: {error}; raise RLIMIT_NOFILE (ulimit -n)"
            );
            true
        }
        _ => {
            log::error!("accept failed: {error}");
            false
        }
    }
}

/// No new client gets into the queue of a listening socket from now on, so that it can be emptied and
/// then closed without a reset: a close resets whoever is in the queue. On TCP a client that connects
/// meanwhile repeats its SYN a second later; on a unix socket it is refused. Holds for every process
/// that has the socket, for good. Where the kernel knows no socket filters it does nothing.
pub fn admit_no_more(listener: BorrowedFd<'_>) {
    match socket::local_address(listener) {
        Ok(SocketAddress::Ip(_)) => tcp::drop_new_syns(listener),
        // What is in the queue stays there (net/unix/af_unix.c, unix_stream_connect, unix_accept).
        Ok(SocketAddress::Unix(_)) => socket::shutdown_read(listener),
        Err(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::time::Duration;

    use super::*;

    #[test]
    fn when_no_more_are_admitted_a_tcp_queue_can_be_emptied_and_nobody_is_reset() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let mut early = TcpStream::connect(address).unwrap();
        let listener = EngineListener::new(listener.into()).unwrap();
        admit_no_more(listener.as_fd());
        // Only ever makes the test pass when it should not: a SYN is repeated after a second.
        let late = TcpStream::connect_timeout(&address, Duration::from_millis(300));
        assert_eq!(late.unwrap_err().kind(), io::ErrorKind::TimedOut);
        let (accepted, _) = listener.accept().unwrap();
        assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(listener);
        early.write_all(b"a").unwrap();
        let mut accepted = TcpStream::from(accepted);
        accepted.set_nonblocking(false).unwrap();
        accepted.read_exact(&mut [0]).unwrap();
        assert_eq!(
            TcpStream::connect(address).unwrap_err().kind(),
            io::ErrorKind::ConnectionRefused
        );
    }

    #[test]
    fn when_no_more_are_admitted_a_unix_queue_can_be_emptied_and_nobody_else_comes() {
        let path = std::env::temp_dir().join(format!("unicoro-last-call-{}", std::process::id()));
        drop(std::fs::remove_file(&path));
        let listener = UnixListener::bind(&path).unwrap();
        listener.set_nonblocking(true).unwrap();
        let _early = UnixStream::connect(&path).unwrap();
        let listener = EngineListener::new(listener.into()).unwrap();
        admit_no_more(listener.as_fd());
        let late = UnixStream::connect(&path);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(late.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        listener.accept().unwrap();
        assert!(listener.accept().is_err());
    }
}
