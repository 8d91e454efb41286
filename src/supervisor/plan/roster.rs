//! The workers as the plan knows them.

use unicoro_sys::clock::Moment;
use unicoro_sys::process::Pid;

/// One worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Worker {
    /// Counts all workers of this master: the lowest is the oldest.
    pub(super) number: u64,
    pub(super) generation: u64,
    pub(super) pid: Pid,
    /// When it said that it was ready, whatever happened since.
    pub(super) ready_at: Option<Moment>,
    pub(super) stage: Stage,
}

/// Where a worker is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// It loads the app. `reopen`: it gets USR1 when it is ready.
    Booting { reopen: bool },
    /// It serves.
    Ready,
    /// It serves and wants a successor.
    Retiring,
    /// It reported that it cannot start, and should be about to leave.
    Failed { kill_at: Moment },
    /// It was told to leave.
    Leaving { kill_at: Moment },
    /// It hung and got ABRT.
    Aborted { kill_at: Moment },
    /// It got KILL then.
    Killed { at: Moment },
}

impl Stage {
    /// True for workers that fill a place: no other has to be started for them.
    pub(super) fn fills_a_place(self) -> bool {
        matches!(self, Stage::Booting { .. } | Stage::Ready)
    }

    /// When its patience with us, or ours with it, ends.
    pub(super) fn kill_at(self) -> Option<Moment> {
        match self {
            Stage::Failed { kill_at } | Stage::Leaving { kill_at } | Stage::Aborted { kill_at } => {
                Some(kill_at)
            }
            Stage::Booting { .. } | Stage::Ready | Stage::Retiring | Stage::Killed { .. } => None,
        }
    }
}

/// All workers, oldest first.
#[derive(Debug, Default)]
pub(super) struct Roster(Vec<Worker>);

impl Roster {
    pub(super) fn add(&mut self, worker: Worker) {
        self.0.push(worker);
    }

    pub(super) fn remove(&mut self, pid: Pid) -> Option<Worker> {
        let index = self.0.iter().position(|worker| worker.pid == pid)?;
        Some(self.0.remove(index))
    }

    pub(super) fn by_pid(&mut self, pid: Pid) -> Option<&mut Worker> {
        self.0.iter_mut().find(|worker| worker.pid == pid)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Worker> {
        self.0.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Worker> {
        self.0.iter_mut()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many of `generation` are in a stage that `is_meant`.
    pub(super) fn count(&self, generation: u64, is_meant: impl Fn(Stage) -> bool) -> usize {
        self.0
            .iter()
            .filter(|worker| worker.generation == generation && is_meant(worker.stage))
            .count()
    }

    /// The oldest of `generation` in a stage that `is_meant`.
    pub(super) fn oldest(
        &mut self,
        generation: u64,
        is_meant: impl Fn(Stage) -> bool,
    ) -> Option<&mut Worker> {
        self.0
            .iter_mut()
            .filter(|worker| worker.generation == generation && is_meant(worker.stage))
            .min_by_key(|worker| worker.number)
    }
}
