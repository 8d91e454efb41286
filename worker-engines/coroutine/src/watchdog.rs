//! The main thread's watch over the scheduler: says when it stands still, and when it goes on.
//!
//! Where C code keeps the interpreter lock, the preemptor stands still as well. Then it is the watch
//! that gives the scheduler's role to a spare carrier: what the C code waits for may be had by a green
//! thread that only wants to come back.

use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use unicoro_contract::{Blocked, Grip, Handler};

use crate::core::Shared;
use crate::{preemption, progress, role};

/// Looks in the time after which a scheduler counts as blocked: the report is late by at most one.
const LOOKS: u32 = 4;

/// What waits for a turn of the main thread waits no longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Watches until `done` says how the scheduler has ended. `after`: how long it may stand still;
/// `None`: it is not watched.
pub fn watch<R>(
    done: &Receiver<R>,
    after: Option<Duration>,
    handler: &dyn Handler,
    core: Shared,
) -> Option<R> {
    let pause = after.map_or(LONGEST_PAUSE, |after| (after / LOOKS).min(LONGEST_PAUSE));
    let mut episode =
        Episode { switches: progress::switches(), since: Instant::now(), said: false };
    let mut suspects = Suspects::default();
    loop {
        match done.try_recv() {
            Ok(ended) => return Some(ended),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => handler.main_thread_pause(pause),
        }
        // Before the report, which takes its time: a switch meanwhile ends the episode.
        let switches = progress::switches();
        let has_switched = progress::is_waiting() || switches != episode.switches;
        episode.switches = switches;
        suspects.look(has_switched, core);
        let has_moved = has_switched && !progress::is_kept();
        // Not while a green thread may be keeping the language's lock: the report must come.
        if has_moved {
            handler.main_thread_turn();
        }
        let Some(after) = after else { continue };
        match episode.look(has_moved, after, Instant::now()) {
            None => {}
            Some(Said::Since(age)) => handler.blocked(&suspects.blocked(age, core)),
            Some(Said::Over(lasted)) => handler.blocked(&Blocked::Over { lasted }),
        }
    }
}

/// Who runs, and who keeps the interpreter lock meanwhile.
#[derive(Default)]
struct Suspects {
    // The run that was outside the engine at the last look.
    outside: Option<u64>,
    keeper: Option<Suspect>,
}

/// A green thread by its identity (0: none), and the OS thread that it is on, as gettid(2) numbers it.
#[derive(Clone, Copy)]
struct Suspect {
    thread: i32,
    identity: usize,
}

impl Suspects {
    /// A run that stands still outside the engine while the preemptor waits for the interpreter lock
    /// loses the role.
    fn look(&mut self, has_switched: bool, core: Shared) {
        let lacks_lock = preemption::lacks_lock();
        let holder = progress::holder();
        if !lacks_lock || self.keeper.is_some_and(|keeper| keeper.identity != holder) {
            self.keeper = None;
        }
        let outside = role::outside();
        if lacks_lock
            && !has_switched
            && outside == self.outside
            && let Some(run) = outside
        {
            let suspect = Suspect::now();
            if suspect.identity == holder {
                self.keeper = Some(suspect);
            }
            // Before others run: what is said to run is the keeper's request.
            progress::set_kept_in_c(self.keeper.is_some());
            core.0.queue.hand_on(run);
        }
        self.outside = outside;
        progress::set_kept_in_c(self.keeper.is_some());
    }

    /// Who is to blame that nobody else has run for as long as `age`.
    fn blocked(&self, age: Duration, core: Shared) -> Blocked {
        let Suspect { thread, identity } = self.keeper.unwrap_or_else(Suspect::now);
        let has_spare_carrier = core.0.queue.has_spare_carrier();
        let grip = match self.keeper {
            Some(_) => Grip::Keeps,
            None if progress::is_kept_parked() => Grip::KeptParked,
            None if progress::holder() == identity => Grip::Has,
            None => Grip::None,
        };
        Blocked::Since { age, thread, identity, grip, has_spare_carrier }
    }
}

impl Suspect {
    fn now() -> Self {
        Self { thread: progress::os_thread_number(), identity: progress::running() }
    }
}

/// A stretch of time in which the scheduler may stand still.
struct Episode {
    switches: u64,
    since: Instant,
    said: bool,
}

/// What is to be said of an episode.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    /// So long it lasts already.
    Since(Duration),
    /// So long it has lasted.
    Over(Duration),
}

impl Episode {
    /// What is to be said now: the beginning once, and the end if the beginning was.
    fn look(&mut self, has_moved: bool, after: Duration, now: Instant) -> Option<Said> {
        let age = now.duration_since(self.since);
        if has_moved {
            self.since = now;
            return std::mem::take(&mut self.said).then_some(Said::Over(age));
        }
        let is_due = age >= after && !self.said;
        is_due.then(|| {
            self.said = true;
            Said::Since(age)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_episode_is_said_once_and_ends_with_its_length() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let second = Duration::from_secs(1);
        let mut episode = Episode { switches: 0, since: start, said: false };
        assert_eq!(episode.look(false, second, start), None);
        assert_eq!(episode.look(false, second, at(1)), Some(Said::Since(second)));
        assert_eq!(episode.look(false, second, at(2)), None);
        assert_eq!(episode.look(true, second, at(3)), Some(Said::Over(3 * second)));
        assert_eq!(episode.look(true, second, at(4)), None);
    }
}
