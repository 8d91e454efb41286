//! The main thread's watch over the scheduler: says when it stands still, and when it goes on.

use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use unicoro_contract::{Blocked, Handler};

use crate::progress;

/// Looks in the time after which a scheduler counts as blocked: the report is late by at most one.
const LOOKS: u32 = 4;

/// What waits for a turn of the main thread waits no longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Watches until `done` says how the scheduler has ended. `after`: how long it may stand still;
/// `None`: it is not watched.
pub fn watch<R>(done: &Receiver<R>, after: Option<Duration>, handler: &dyn Handler) -> Option<R> {
    let pause = after.map_or(LONGEST_PAUSE, |after| (after / LOOKS).min(LONGEST_PAUSE));
    let mut episode =
        Episode { switches: progress::switches(), since: Instant::now(), said: false };
    loop {
        match done.try_recv() {
            Ok(ended) => return Some(ended),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => handler.main_thread_pause(pause),
        }
        // Before the report, which takes its time: a switch meanwhile ends the episode.
        let switches = progress::switches();
        let has_moved =
            !progress::is_kept() && (progress::is_waiting() || switches != episode.switches);
        episode.switches = switches;
        // Not while a green thread may be keeping the language's lock: the report must come.
        if has_moved {
            handler.main_thread_turn();
        }
        if let Some(after) = after
            && let Some(blocked) =
                episode.look(has_moved, after, progress::os_thread_number(), Instant::now())
        {
            handler.blocked(&blocked);
        }
    }
}

/// A stretch of time in which the scheduler may stand still.
struct Episode {
    switches: u64,
    since: Instant,
    said: bool,
}

impl Episode {
    /// What is to be said now: the beginning once, and the end if the beginning was.
    fn look(
        &mut self,
        has_moved: bool,
        after: Duration,
        thread: i32,
        now: Instant,
    ) -> Option<Blocked> {
        let age = now.duration_since(self.since);
        if has_moved {
            self.since = now;
            return std::mem::take(&mut self.said).then_some(Blocked::Over { lasted: age });
        }
        let is_due = age >= after && !self.said;
        is_due.then(|| {
            self.said = true;
            Blocked::Since { age, thread, identity: progress::running() }
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
        assert_eq!(episode.look(false, second, 7, start), None);
        let since = Blocked::Since { age: second, thread: 7, identity: 0 };
        assert_eq!(episode.look(false, second, 7, at(1)), Some(since));
        assert_eq!(episode.look(false, second, 7, at(2)), None);
        let over = Blocked::Over { lasted: Duration::from_secs(3) };
        assert_eq!(episode.look(true, second, 7, at(3)), Some(over));
        assert_eq!(episode.look(true, second, 7, at(4)), None);
    }
}
