//! A stream that has left HTTP: who speaks on it from then on, and how that waits and sends.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::{Interest, Stream};
use crate::Upgraded;

impl Stream {
    /// From now on `upgraded` speaks on it, and the engine is told. False: something does already.
    pub fn upgrade(self: &Arc<Self>, upgraded: Arc<dyn Upgraded>) -> bool {
        let is_new = self.upgraded.set(upgraded).is_ok();
        if is_new {
            self.waiter.stir(self);
        }
        is_new
    }

    /// What speaks on it, if it was upgraded.
    pub fn upgraded(&self) -> Option<&Arc<dyn Upgraded>> {
        self.upgraded.get()
    }

    /// Whether the engine calls [`Upgraded::turn`] whenever there may be something to do.
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
}
