//! A worker's share of the clients: with more than its siblings it stands aside, and the kernel asks them.
//!
//! ```text
//!   open ─── more than the fewest, and slack ───► aside: sees who comes, and takes nobody
//!    ▲                                              │
//!    ├─── no more than the fewest, or they ring ────┤
//!    └─── a client waits for them in vain ──────────┘    (who has fewer does not count for now)
//! ```
//!
//! The rule that a reader would break: only clients that stay count. Of those that part with their first
//! answer the next is taken by whoever has time.

use std::time::Instant;

use unicoro_contract::{room, siblings::slack};

use super::Clients;

impl<W: Copy> Clients<W> {
    /// Stands aside, or comes back: this worker has gained or lost a client, or a sibling calls.
    pub fn check_share(&mut self) {
        let Some(siblings) = &self.seat.siblings else { return };
        let clients = self.lot.staying();
        let bearable = if self.acceptor.is_aside() { 0 } else { slack(clients) };
        let has_fewer = |fewest: usize| clients > fewest.saturating_add(bearable);
        // With so few it is not worth while to look what the others have.
        if clients > slack(0) && siblings.fewest().is_some_and(has_fewer) {
            self.acceptor.stand_aside(siblings.bell());
        } else {
            self.acceptor.come_back();
        }
        let is_open = !self.acceptor.is_full() && self.looks_in_vain < room::STANDSTILL_LOOKS;
        let told = if is_open { clients } else { usize::MAX };
        siblings.tell(told, self.acceptor.is_aside());
    }

    /// A request has ended, or none waits for another's end.
    pub(super) fn moves_on(&mut self) {
        if std::mem::take(&mut self.looks_in_vain) >= room::STANDSTILL_LOOKS {
            self.check_share();
        }
    }

    /// Whether others accept from the same listeners.
    pub(super) fn has_siblings(&self) -> bool {
        self.seat.siblings.as_ref().is_some_and(|siblings| siblings.fewest().is_some())
    }

    /// Somebody waits: whether he is to be a sibling's.
    pub(super) fn leaves_to_siblings(&mut self) -> bool {
        if self.acceptor.is_aside() {
            self.check_share();
            self.acceptor.leave_to_siblings();
        }
        self.acceptor.is_aside()
    }

    /// Comes back if somebody waits whom no sibling has taken: one may be stopped, or compute.
    pub(super) fn look_for_those_left(&mut self, now: Instant) {
        if self.acceptor.is_left_waiting(now)
            && let Some(siblings) = &self.seat.siblings
        {
            siblings.miss();
            self.acceptor.come_back();
            siblings.tell(self.lot.staying(), false);
        }
    }
}

#[cfg(test)]
mod tests;
