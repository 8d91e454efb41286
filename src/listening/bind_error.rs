//! Why nobody listens on an address: for the operator, with who has it and what to do.

use std::error::Error;
use std::fmt;
use std::io;

use super::address::Address;
use super::holder::{Holder, holder_of};

/// Why an address could not be listened on.
#[derive(Debug)]
pub struct BindError {
    /// The address.
    pub address: Address,
    /// The system's reason.
    pub source: io::Error,
    /// Who has the address, if it is in use and /proc tells.
    pub holder: Option<Holder>,
}

impl BindError {
    pub(super) fn new(address: &Address, source: io::Error) -> BindError {
        let is_in_use = source.kind() == io::ErrorKind::AddrInUse;
        let holder = is_in_use.then(|| holder_of(address)).flatten();
        BindError { address: address.clone(), source, holder }
    }

    /// True when somebody else has the address, so that a later try may succeed.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        self.source.kind() == io::ErrorKind::AddrInUse
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BindError { address, source, holder } = self;
        write!(f, "cannot listen on {address}: {source}")?;
        if let Some(holder) = holder {
            write!(f, ": {holder} has it")?;
        }
        let remedy = match (source.kind(), address) {
            (io::ErrorKind::AddrInUse, _) => {
                "stop the server that has it, or choose another address with --bind"
            }
            (io::ErrorKind::PermissionDenied, _) => {
                "choose a port above 1023 or a path that this user may write"
            }
            (io::ErrorKind::AddrNotAvailable, _) => "this machine has no such address",
            (io::ErrorKind::NotFound, Address::Unix(_)) => {
                "make the directory, or choose another path"
            }
            (_, Address::Fd(_)) => "start the server with a listening socket of this number",
            // A name that was not found: no system call has failed.
            (_, Address::Tcp { .. }) if source.raw_os_error().is_none() => {
                "give an address, or a name that this machine knows"
            }
            _ => return Ok(()),
        };
        write!(f, "; {remedy}")
    }
}

impl Error for BindError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}
