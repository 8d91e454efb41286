//! What is known of an address before anything is bound, for `--check-config`.
//!
//! Only what a start would refuse for certain, whoever else listens by then: an address in use is none of it,
//! because the server that is to be replaced may still have it.

use std::io;
use std::os::fd::{BorrowedFd, RawFd};

use unicoro_sys::fd::lent;
use unicoro_sys::socket::{is_listening, is_stream};

use super::address::Address;
use super::bind_error::BindError;
use super::stale_socket::look_at_path;

/// Whether a start could listen there, as far as that can be known. No name is looked up. Of what a start may still be
/// given, as systemd gives sockets and a `RuntimeDirectory` to that alone, the log warns.
///
/// # Errors
/// What [`Listener::bind`](super::listener::Listener::bind) would say.
pub fn check(address: &Address) -> Result<(), BindError> {
    let checked = match address {
        Address::Unix(path) => look_at_path(path).map(drop),
        Address::Fd(number) => listening(*number).map(drop),
        Address::Tcp { .. } | Address::Abstract(_) => Ok(()),
    };
    let Err(source) = checked else { return Ok(()) };
    let may_come = match address {
        Address::Fd(number) => *number > libc::STDERR_FILENO,
        _ => source.kind() == io::ErrorKind::NotFound,
    };
    let error = BindError::new(address, source);
    if !may_come {
        return Err(error);
    }
    log::warn!("as things are now, the start {error}");
    Ok(())
}

/// An inherited descriptor after a look at what it is.
///
/// # Errors
/// It is no listening socket.
pub(super) fn listening<'a>(number: RawFd) -> io::Result<BorrowedFd<'a>> {
    let refuse = |why| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    if number <= libc::STDERR_FILENO {
        return refuse("0, 1 and 2 are the standard streams");
    }
    let socket = lent(number)?;
    if !is_stream(socket)? {
        return refuse("it is not a stream socket");
    }
    if !is_listening(socket)? {
        return refuse("the socket does not listen; whoever made it has to call listen(2)");
    }
    Ok(socket)
}
