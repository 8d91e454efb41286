//! The end of the connection behind a descriptor of the application's.
#![allow(unsafe_code)]

use std::os::fd::RawFd;

use libc::{c_int, socklen_t};

/// Shuts a connection down in both directions: who waits for it finds it broken, and so does whoever
/// uses it next. Not what is no connection (a file, a listener, datagrams), and not a pair of sockets
/// without names, by which a library wakes its own threads: then false.
pub fn shut_down(fd: RawFd) -> bool {
    let is_stream =
        [libc::SOCK_STREAM, libc::SOCK_SEQPACKET].map(Some).contains(&option(fd, libc::SO_TYPE));
    let is_connection =
        is_stream && option(fd, libc::SO_ACCEPTCONN) == Some(0) && !is_nameless_pair(fd);
    if is_connection {
        // SAFETY: a plain call. An error means that the connection has ended already.
        unsafe { libc::shutdown(fd, libc::SHUT_RDWR) };
    }
    is_connection
}

/// Of a socket's options one that is a number; `None`: no socket.
fn option(fd: RawFd, name: c_int) -> Option<c_int> {
    let mut value: c_int = 0;
    let mut len = size_of::<c_int>() as socklen_t;
    // SAFETY: `value` and `len` outlive the call.
    let done = unsafe {
        libc::getsockopt(fd, libc::SOL_SOCKET, name, (&raw mut value).cast(), &raw mut len)
    };
    (done == 0).then_some(value)
}

fn is_nameless_pair(fd: RawFd) -> bool {
    type Name = unsafe extern "C" fn(c_int, *mut libc::sockaddr, *mut socklen_t) -> c_int;
    let has_no = |name: Name| {
        // SAFETY: an all-zero sockaddr_un is valid.
        let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
        let mut len = size_of::<libc::sockaddr_un>() as socklen_t;
        // SAFETY: the address and its length outlive the call.
        let done = unsafe { name(fd, (&raw mut address).cast(), &raw mut len) };
        // unix(7): of a socket without a name the family is all that comes.
        done == 0 && len as usize == size_of::<libc::sa_family_t>()
    };
    option(fd, libc::SO_DOMAIN) == Some(libc::AF_UNIX)
        && has_no(libc::getsockname)
        && has_no(libc::getpeername)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn only_connections_are_shut_down() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert!(!shut_down(listener.as_raw_fd()));
        let (mut server, _) = listener.accept().unwrap();
        assert!(shut_down(client.as_raw_fd()));
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
        assert_eq!(server.read(&mut [0]).unwrap(), 0);

        let (one, mut other) = UnixStream::pair().unwrap();
        assert!(!shut_down(one.as_raw_fd()));
        other.set_nonblocking(true).unwrap();
        let error = other.read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);

        let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = datagrams.local_addr().unwrap();
        datagrams.connect(address).unwrap();
        assert!(!shut_down(datagrams.as_raw_fd()));
        datagrams.send(b"!").unwrap();
        assert_eq!(datagrams.recv(&mut [0; 2]).unwrap(), 1);
    }
}
