//! How slow a client may be, and whether one is slower.
//!
//! Only the time that it is waited for counts, in stretches of their own: a client that was fast
//! earns no leave to hold a thread for hours afterwards.

use std::time::Duration;

/// How slow a client may be while it is waited for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tempo {
    /// It may send or take nothing for this long; `None`: for ever.
    pub idle: Option<Duration>,
    /// Bytes a second that it must send or take on average, over `idle` of waiting; 0: any.
    pub min_rate: u64,
}

impl Tempo {
    /// How much waiting is judged at a time.
    #[must_use]
    pub fn stretch(&self) -> Duration {
        self.idle.unwrap_or(STRETCH)
    }
}

/// Judged at a time where a client may pause for ever: as long as the settings' default.
const STRETCH: Duration = Duration::from_secs(30);

/// How fast a client was, over the stretch of waiting that has begun last.
#[derive(Debug, Default)]
pub struct Pace {
    waited: Duration,
    // All that it had moved when the stretch began.
    moved: u64,
}

impl Pace {
    /// A wait is over that has lasted `waited`; the client has moved that many bytes so far. False:
    /// it is too slow.
    #[must_use]
    pub fn keeps(&mut self, tempo: &Tempo, waited: Duration, moved: u64) -> bool {
        self.waited += waited;
        if self.waited < tempo.stretch() {
            return true;
        }
        let due = self.waited.as_millis() * u128::from(tempo.min_rate) / 1000;
        let keeps = u128::from(moved.saturating_sub(self.moved)) >= due;
        *self = Self { waited: Duration::ZERO, moved };
        keeps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const TEMPO: Tempo = Tempo { idle: Some(Duration::from_secs(10)), min_rate: 100 };

    #[test]
    fn nobody_is_judged_before_a_whole_stretch() {
        let mut pace = Pace::default();
        assert!((0..9).all(|_| pace.keeps(&TEMPO, SECOND, 0)));
        assert!(!pace.keeps(&TEMPO, SECOND, 999));
    }

    #[test]
    fn what_came_fast_once_is_no_credit_for_later() {
        let mut pace = Pace::default();
        assert!(pace.keeps(&TEMPO, 10 * SECOND, 1_000_000));
        assert!(pace.keeps(&TEMPO, 10 * SECOND, 1_001_000));
        assert!(!pace.keeps(&TEMPO, 10 * SECOND, 1_001_999));
    }

    #[test]
    fn a_rate_of_0_is_any() {
        let any = Tempo { min_rate: 0, ..TEMPO };
        assert!(Pace::default().keeps(&any, 1000 * SECOND, 0));
        let mut pace = Pace::default();
        let endless = Tempo { idle: None, ..TEMPO };
        assert!(pace.keeps(&endless, 29 * SECOND, 0) && !pace.keeps(&endless, SECOND, 2999));
    }
}
