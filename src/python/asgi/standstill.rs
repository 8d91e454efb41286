//! Whether a loop turns: it is asked again and again, and answers when it looks at its bell.
//!
//! The engine's own watch does not see it: a coroutine that computes is preempted, and one that blocks is
//! parked, so that everything goes on but the loop.

use std::time::{Duration, Instant};

/// A loop that turns is asked so often.
const PAUSE: Duration = Duration::from_millis(500);

/// What is to be said of a loop.
#[derive(Debug, PartialEq, Eq)]
pub enum Standstill {
    /// It has not turned for as long as this.
    Since(Duration),
    /// It turns again, after so long.
    Over(Duration),
}

/// What is known of a loop.
#[derive(Debug, Default)]
pub struct Watch {
    // How often it had turned when it was asked, and when that was, until it answers.
    asked: Option<(u64, Instant)>,
    answered: Option<Instant>,
    is_said: bool,
}

impl Watch {
    /// Looks `now` at a loop that has turned so often; `ask` is called to ask it. What is to be said, if it may
    /// stand still for as long as `after`.
    pub fn look(
        &mut self,
        turns: u64,
        after: Duration,
        now: Instant,
        ask: impl FnOnce(),
    ) -> Option<Standstill> {
        let Some((before, since)) = self.asked else {
            if self.answered.is_none_or(|at| now.duration_since(at) >= PAUSE) {
                self.asked = Some((turns, now));
                ask();
            }
            return None;
        };
        let age = now.duration_since(since);
        if turns != before {
            (self.asked, self.answered) = (None, Some(now));
            return std::mem::take(&mut self.is_said).then_some(Standstill::Over(age));
        }
        let is_due = age >= after && !self.is_said;
        self.is_said |= is_due;
        is_due.then_some(Standstill::Since(age))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standstill_is_said_once_and_ends_with_its_length() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let after = Duration::from_secs(1);
        let (mut watch, mut asked) = (Watch::default(), 0);
        assert_eq!(watch.look(7, after, start, || asked += 1), None);
        assert_eq!(watch.look(7, after, at(2), || asked += 1), Some(Standstill::Since(2 * after)));
        assert_eq!(watch.look(7, after, at(3), || asked += 1), None);
        assert_eq!(watch.look(8, after, at(4), || asked += 1), Some(Standstill::Over(4 * after)));
        assert_eq!(watch.look(8, after, at(5), || asked += 1), None);
        assert_eq!(asked, 2);
    }
}
