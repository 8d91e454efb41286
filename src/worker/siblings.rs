//! The workers of the same generation, by the page that all share.

use std::os::fd::{AsFd, BorrowedFd};

use unicoro_contract::Siblings;

use crate::supervisor::Station;
use crate::supervisor::scoreboard::{Scoreboard, Slot};

/// The other slots of a generation, and one's own.
pub struct Colleagues {
    board: Scoreboard,
    own: &'static Slot,
    generation: u64,
}

impl Colleagues {
    /// Of the worker that sits here.
    pub fn of(station: &Station) -> Self {
        Self { board: station.board, own: station.slot, generation: station.generation }
    }

    fn others(&self) -> impl Iterator<Item = &'static Slot> {
        let others = self.board.used().filter(|slot| !std::ptr::eq(*slot, self.own));
        others.filter(|slot| slot.serves(self.generation))
    }
}

impl Siblings for Colleagues {
    fn tell(&self, clients: usize, is_aside: bool) {
        if !self.own.set_clients(clients, is_aside) {
            return;
        }
        let may_come = |slot: &Slot| slot.clients() <= clients && slot.call_back();
        // All of them are called, each once.
        if self.others().filter(|slot| may_come(slot)).count() > 0 {
            self.board.bell().raise();
        }
    }

    fn fewest(&self) -> Option<usize> {
        self.others().map(|slot| if slot.is_missed() { usize::MAX } else { slot.clients() }).min()
    }

    fn miss(&self) {
        let clients = self.own.clients();
        self.others().filter(|slot| slot.clients() < clients).for_each(Slot::miss);
    }

    fn bell(&self) -> BorrowedFd<'_> {
        self.board.bell().as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use unicoro_sys::poll::{poll, readable};

    use super::*;
    use crate::supervisor::scoreboard::SlotState;

    const GENERATION: u64 = 7;

    /// Workers that serve, side by side.
    fn serving(count: usize) -> Vec<Colleagues> {
        let board = Scoreboard::new(2 * count).unwrap();
        let colleague = |index| {
            let own = board.slot(index).unwrap();
            own.reset(GENERATION);
            own.set_state(SlotState::Serving);
            Colleagues { board, own, generation: GENERATION }
        };
        (0..count).map(colleague).collect()
    }

    fn is_rung(colleague: &Colleagues) -> bool {
        poll(&mut [readable(colleague.bell())], Some(Duration::ZERO)).unwrap() == 1
    }

    #[test]
    fn only_those_count_who_take_clients_of_the_same_generation() {
        let [first, second, third, fourth] = &serving(4)[..] else { unreachable!() };
        let (last, leaving) = (fourth.own, third.own);
        for (number, one) in [first, second, third, fourth].into_iter().enumerate() {
            one.tell(9 - number, false);
        }
        assert_eq!(first.fewest(), Some(6));
        last.reset(GENERATION + 1);
        last.set_state(SlotState::Serving);
        assert_eq!(first.fewest(), Some(7));
        leaving.set_state(SlotState::Draining);
        assert_eq!(first.fewest(), Some(8));
        second.tell(usize::MAX, false);
        assert!(first.fewest() > Some(1_000_000));
        second.own.set_state(SlotState::Retiring);
        assert_eq!(first.fewest(), None);
    }

    #[test]
    fn who_was_missed_counts_again_after_a_sign_of_life() {
        let [first, second] = &serving(2)[..] else { unreachable!() };
        first.tell(5, true);
        for sign in [|one: &Colleagues| one.own.beat(), |one: &Colleagues| one.tell(1, false)] {
            first.miss();
            assert_eq!(first.fewest(), Some(usize::MAX));
            sign(second);
            assert!(first.fewest() < Some(2));
        }
    }

    #[test]
    fn who_stands_aside_is_called_once_by_one_that_has_as_many() {
        let [first, second] = &serving(2)[..] else { unreachable!() };
        first.tell(3, true);
        second.tell(2, false);
        assert!(!is_rung(first));
        second.tell(3, false);
        assert!(is_rung(first) && !first.own.call_back());
    }
}
