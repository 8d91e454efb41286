//! What is done when clients wait for room, or requests for somebody who serves them: whoever holds it up
//! goes.

use std::time::Instant;

use unicoro_contract::{AfterRead, room};

use super::Clients;

impl<W: Copy> Clients<W> {
    /// Of the requests that are ready `queued` wait, because `servers` can serve no more: clients that
    /// stall in the middle of one are given up, if that lasts.
    pub fn relieve(&mut self, now: Instant, queued: usize, servers: usize) {
        match self.relief {
            _ if queued == 0 => {
                self.relief = None;
                self.moves_on();
            }
            Some(look) if look > now => {}
            look => {
                if look.is_some() {
                    let enough = room::stalled_enough(queued, servers);
                    self.lot.evict_stalled(now, enough, queued.min(room::BATCH));
                    self.looks_in_vain += 1;
                    self.check_share();
                }
                self.relief = Some(now + room::SERVERS_LOOK);
            }
        }
    }

    /// Closes or opens the gate by how many are connected.
    pub(super) fn check_limit(&mut self) {
        self.acceptor.check_limit(self.lot.connected());
        self.check_share();
        if !self.acceptor.is_full() {
            // Nobody looks for those who wait any more: who does is accepted.
            self.say_crowded(false);
        }
    }

    /// Tells the handler whether clients wait for room. One who waits may be a sibling's in a moment:
    /// until the next look some answers part with their clients in vain.
    pub(super) fn look_for_crowd(&mut self) {
        self.say_crowded(self.acceptor.someone_waits().is_some());
    }

    fn say_crowded(&mut self, is_crowded: bool) {
        if self.is_crowded != is_crowded {
            self.is_crowded = is_crowded;
            self.handler.crowded(is_crowded);
        }
    }

    /// Full: for each client that waits an idle connection goes, and if there are too few, so do
    /// those that stall. The next turn accepts in their place.
    pub(super) fn make_room(&mut self, now: Instant) {
        let was_crowded = self.is_crowded;
        self.look_for_crowd();
        if !self.is_crowded {
            return;
        }
        let idle = self.lot.idle(now, room::BATCH, was_crowded);
        for index in &idle {
            let Some(listener) = self.acceptor.someone_waits() else { return };
            self.give_up(*index);
            self.accept(listener);
        }
        if idle.len() == room::BATCH {
            // The others of this turn first, then the rest of the queue.
            return self.acceptor.look_again();
        }
        let waiting = self.acceptor.waiting();
        self.lot.evict_stalled(now, room::STALLED_ENOUGH, waiting.min(room::BATCH));
    }

    /// Below the limit the gate is closed for want of descriptors: the application may have given some
    /// back, of which nobody tells.
    pub(super) fn try_to_open(&mut self) {
        if !self.acceptor.lacks_descriptors(self.lot.connected()) {
            return;
        }
        let is_in_vain = match self.acceptor.someone_waits() {
            Some(listener) => !self.accept_one(listener),
            None => false,
        };
        if !is_in_vain {
            self.check_limit();
        }
    }

    /// Closes a connection that is parked, unless a request begins to come: bytes may be there that no
    /// event has told of yet.
    fn give_up(&mut self, index: usize) {
        let Some(mut connection) = self.lot.take(index) else { return };
        let has_begun = !connection.inbox.is_empty();
        connection.stream.note_readable(false);
        match self.take_in(&mut connection, None) {
            AfterRead::Park { .. } if has_begun || connection.inbox.is_empty() => {
                self.close(connection);
            }
            after => self.follow(connection, after),
        }
    }
}
