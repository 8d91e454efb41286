//! A socket that listens.
//!
//! The supervisor binds it once; workers inherit it through the fork. It is non-blocking and
//! close-on-exec. A unix socket's path is removed when the listener is dropped, but only by the
//! process that bound it, and only while the path is still that very socket.
#![allow(unsafe_code)]

use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixAddress, UnixListener};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use unicoro_sys::credentials::Identity;
use unicoro_sys::fd::{duplicate, set_cloexec, set_nonblocking};
use unicoro_sys::process::set_umask;
use unicoro_sys::socket::{is_unix, listen};
use unicoro_sys::tcp;

use super::address::Address;
use super::bind_error::BindError;
use super::foreseen::listening;
use super::owned_path::OwnedPath;
use super::stale_socket::clear_path;

/// How to bind.
#[derive(Clone, Copy, Debug)]
pub struct BindOptions {
    /// How many connections the kernel holds until they are accepted.
    pub backlog: u32,
    /// SO_REUSEPORT on TCP sockets: other servers of the same user may listen on the same address.
    pub reuse_port: bool,
    /// The umask while a unix socket's path is made: 0 lets everybody connect.
    pub umask: u32,
    /// Whose a unix socket's path is.
    pub owner: Identity,
}

impl Default for BindOptions {
    fn default() -> BindOptions {
        BindOptions { backlog: 2048, reuse_port: false, umask: 0, owner: Identity::default() }
    }
}

/// A listening socket and where it came from.
#[derive(Debug)]
pub struct Listener {
    fd: OwnedFd,
    asked: Address,
    shown: String,
    path: Option<OwnedPath>,
    keeps_path: AtomicBool,
}

impl Listener {
    /// Binds and listens.
    ///
    /// # Errors
    /// A sentence that names the address, the reason and what to do.
    pub fn bind(address: &Address, options: BindOptions) -> Result<Listener, BindError> {
        Listener::open(address, options).map_err(|source| BindError::new(address, source))
    }

    fn open(address: &Address, options: BindOptions) -> io::Result<Listener> {
        let (fd, path) = match address {
            Address::Tcp { host, port } => (bind_tcp(host, *port, options.reuse_port)?, None),
            Address::Unix(path) => {
                let fd = bind_unix(path, options.umask)?;
                options.owner.own_path(path)?;
                (fd, Some(OwnedPath::of(path)?))
            }
            Address::Abstract(name) => {
                let address = UnixAddress::from_abstract_name(name)?;
                (UnixListener::bind_addr(&address)?.into(), None)
            }
            Address::Fd(number) => (adopt(*number)?, None),
        };
        set_nonblocking(fd.as_fd(), true)?;
        if !matches!(address, Address::Fd(_)) {
            listen(fd.as_fd(), options.backlog)?;
        }
        let shown = shown(address, &fd);
        let keeps_path = AtomicBool::new(false);
        Ok(Listener { fd, asked: address.clone(), shown, path, keeps_path })
    }

    /// What a worker accepts from: this very socket.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn for_worker(&self) -> io::Result<OwnedFd> {
        duplicate(self.fd.as_raw_fd())
    }

    /// What was asked for; a port of 0 is still 0 here.
    #[must_use]
    pub fn asked(&self) -> &Address {
        &self.asked
    }

    /// What logs print: `http://127.0.0.1:8000`, `unix:/run/app.sock`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.shown
    }

    /// True for a unix socket.
    #[must_use]
    pub fn is_unix(&self) -> bool {
        is_unix(self.fd.as_fd())
    }

    /// How many connections wait to be accepted; `None` for a unix socket, which does not tell.
    #[must_use]
    pub fn backlog(&self) -> Option<u64> {
        tcp::queue_length(self.fd.as_fd())
    }

    /// From now on no client is admitted to the queue of a socket that nobody will accept from again
    /// but those who empty it. Not one that was handed to us by its number: whoever made it, such as
    /// systemd, may go on with it.
    pub fn admit_no_more(&self) {
        if !matches!(self.asked, Address::Fd(_)) {
            unicoro_contract::admit_no_more(self.fd.as_fd());
        }
    }

    /// From now on the path of a unix socket is left in place: another process goes on with it.
    pub fn keep_path(&self) {
        self.keeps_path.store(true, Ordering::Relaxed);
    }

    /// From now on the path is ours to remove again.
    pub fn reclaim_path(&self) {
        self.keeps_path.store(false, Ordering::Relaxed);
    }

    /// Takes over a socket of a former master's, if it is the one that `address` asks for.
    #[must_use]
    pub fn inherit(address: &Address, number: RawFd) -> Option<Listener> {
        if !is_bound_to(number, address) {
            return None;
        }
        let fd = adopt(number).ok()?;
        set_nonblocking(fd.as_fd(), true).ok()?;
        let path = match address {
            Address::Unix(path) => Some(OwnedPath::of(path).ok()?),
            _ => None,
        };
        let shown = shown(address, &fd);
        let asked = address.clone();
        let keeps_path = AtomicBool::new(false);
        Some(Listener { fd, asked, shown, path, keeps_path })
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Listener {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(path) = &self.path
            && !self.keeps_path.load(Ordering::Relaxed)
        {
            path.remove();
        }
    }
}

/// The first of the host's addresses that can be bound; else the first error.
fn bind_tcp(host: &str, port: u16, reuse_port: bool) -> io::Result<OwnedFd> {
    let mut first_error = None;
    for address in tcp::resolve(host, port)? {
        match tcp::bound(address, reuse_port) {
            Ok(socket) => return Ok(socket),
            Err(error) => {
                first_error.get_or_insert(error);
            }
        }
    }
    Err(first_error.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into()))
}

fn bind_unix(path: &Path, umask: u32) -> io::Result<OwnedFd> {
    clear_path(path)?;
    // It is the process's; the supervisor has one thread, so no file of somebody else's is made
    // meanwhile.
    let former = set_umask(umask);
    let bound = UnixListener::bind(path);
    set_umask(former);
    Ok(bound?.into())
}

/// Whether an inherited socket's own address is the one that was asked for. Port 0 is any port.
fn is_bound_to(number: RawFd, address: &Address) -> bool {
    let Ok(copy) = duplicate(number) else { return false };
    match address {
        Address::Tcp { host, port } => {
            let Ok(bound) = TcpListener::from(copy).local_addr() else { return false };
            let wanted = tcp::resolve(host, *port).unwrap_or_default();
            let is_port = *port == 0 || *port == bound.port();
            is_port && wanted.iter().any(|wanted| wanted.ip() == bound.ip())
        }
        Address::Unix(path) => UnixListener::from(copy)
            .local_addr()
            .is_ok_and(|bound| bound.as_pathname() == Some(path.as_path())),
        Address::Abstract(name) => UnixListener::from(copy)
            .local_addr()
            .is_ok_and(|bound| bound.as_abstract_name() == Some(name.as_slice())),
        Address::Fd(wanted) => *wanted == number,
    }
}

/// Takes over an inherited descriptor after a look at what it is.
fn adopt(number: RawFd) -> io::Result<OwnedFd> {
    listening(number)?;
    // SAFETY: it is open (it answered above), and the operator handed it to us by its number, so
    // nothing else in this process owns it.
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    set_cloexec(fd.as_fd(), true)?;
    Ok(fd)
}

/// TCP shows the address the kernel has: it knows the port that 0 became.
fn shown(asked: &Address, fd: &OwnedFd) -> String {
    match (asked, is_unix(fd.as_fd())) {
        (Address::Unix(_) | Address::Abstract(_), _) => asked.to_string(),
        (_, true) => inherited_unix(fd).unwrap_or_else(|| asked.to_string()),
        (_, false) => fd
            .try_clone()
            .and_then(|copy| TcpListener::from(copy).local_addr())
            .map_or_else(|_| asked.to_string(), |address| format!("http://{address}")),
    }
}

fn inherited_unix(fd: &OwnedFd) -> Option<String> {
    let address = UnixListener::from(fd.try_clone().ok()?).local_addr().ok()?;
    if let Some(path) = address.as_pathname() {
        return Some(format!("unix:{}", path.display()));
    }
    Some(format!("unix:@{}", address.as_abstract_name()?.escape_ascii()))
}

#[cfg(test)]
mod tests;
