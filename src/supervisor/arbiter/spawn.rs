//! A worker is forked: the parent goes on with it as a child, the child leaves the loop.

use std::ops::ControlFlow;

use unicoro_sys::clock::Moment;
use unicoro_sys::shortage::Explained;

use super::birth::{Born, Newborn, give_birth};
use super::{Arbiter, Flow, Leave};
use crate::supervisor::plan::Event;

impl Arbiter<'_> {
    pub(super) fn spawn(&mut self, number: u64, generation: u64) -> Flow {
        let born = match self.children.free_slot() {
            Some(slot) => give_birth(self.host, number, generation, slot.1)
                .map(|born| (slot, born))
                .map_err(|error| Explained(&error).to_string()),
            None => Err("too many workers are alive".to_owned()),
        };
        let event = match born {
            Ok((_, Born::Child(newborn))) => return ControlFlow::Break(Leave::AsWorker(newborn)),
            Ok((slot, Born::Parent { pid, reports })) => {
                self.children.add(number, pid, slot, reports);
                self.host.forked(pid);
                Event::Spawned { number, generation, pid }
            }
            Err(reason) => Event::SpawnFailed { reason },
        };
        let actions = self.plan.step(event, Moment::now());
        self.act_all(actions)
    }

    /// Takes the arbiter apart: what is not handed on is closed.
    pub(super) fn leave_as_worker(self, newborn: Newborn) -> ! {
        let Arbiter { host, signals, orphan: (orphan, our_end), children, generations, .. } = self;
        let board = children.board();
        drop((our_end, children));
        let listeners = generations
            .into_iter()
            .find(|generation| generation.number == newborn.generation)
            .map(|generation| generation.listeners)
            .unwrap_or_default();
        newborn.live(host, signals, listeners, orphan, board)
    }
}
