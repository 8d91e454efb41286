//! A connection that has left HTTP: who speaks on it from then on, and how that waits.
//!
//! The request goes on for as long as the connection is spoken on. Several may wait for it at once, and be
//! woken by what does not come from the socket; the engine calls when nobody waits.

use std::io::{self, IoSlice};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use unicoro_sys::socket;

use super::{Interest, Stream};

/// What speaks on an upgraded connection.
pub trait Upgraded: Send + Sync {
    /// There is room to send, or bytes have come, and nobody waits for them. On the engine's own thread:
    /// it must not wait, nor run the application.
    fn turn(&self);
}

impl Stream {
    /// From now on `upgraded` speaks on it. False: something does already.
    pub fn upgrade(&self, upgraded: Arc<dyn Upgraded>) -> bool {
        self.upgraded.set(upgraded).is_ok()
    }

    /// What speaks on it, if it was upgraded.
    pub fn upgraded(&self) -> Option<&Arc<dyn Upgraded>> {
        self.upgraded.get()
    }

    /// Whether the engine calls [`Upgraded::turn`].
    #[must_use]
    pub fn tells_upgraded(&self) -> bool {
        self.waiter.tells_upgraded()
    }

    /// How often it was stirred: to be asked before it is looked whether there is anything to wait for.
    #[must_use]
    pub fn stirs(&self) -> u32 {
        self.stirs.load(Ordering::SeqCst)
    }

    /// Makes all that wait for it look.
    pub fn stir(self: &Arc<Self>) {
        self.stirs.fetch_add(1, Ordering::SeqCst);
        self.waiter.stir(self);
    }

    /// Waits until it is ready, broken, stirred since it counted `seen`, or until `until`; or for no reason.
    /// A client that is idle on an upgraded connection is none that stalls: it is not evicted for others.
    ///
    /// # Errors
    /// The socket cannot be waited for.
    pub fn wait_a_while(
        &self,
        interest: Interest,
        until: Option<Instant>,
        seen: u32,
    ) -> io::Result<bool> {
        self.waiter.wait_a_while(self, interest, until, seen)
    }

    /// Sends what fits of `parts`, without waiting; how many bytes.
    ///
    /// # Errors
    /// sendmsg(2): the connection is broken.
    pub fn send_some(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        loop {
            return match socket::send(self.fd.as_fd(), parts) {
                Ok(sent) => {
                    self.count(sent);
                    Ok(sent)
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
        }
    }
}
