//! Calls that wait for somebody else and can only block: a helper thread makes them.
//!
//! They must not queue behind each other, because that somebody may stand behind them: when all
//! helpers are busy they are tried again and again, without waiting where the call can be made so.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::errands::MEETING;
use crate::errno::set_errno;
use crate::green::Green;
use crate::interposed::machinery::readiness::{Ended, Wait};

/// How often to try when all helpers are busy.
const AGAIN: Duration = Duration::from_millis(10);

/// Has a helper make the `real` call. While all are busy it makes an `attempt` now and then, and
/// ends with `failed` when the request is overdue.
pub fn on_a_helper<R>(
    green: &Green,
    real: impl Fn() -> R,
    attempt: impl Fn() -> Option<R>,
    failed: R,
) -> R {
    static HAS_SAID: AtomicBool = AtomicBool::new(false);
    let mut wait = Wait::new(green, None);
    loop {
        if let Some(done) = MEETING.run_now(green, &real).or_else(&attempt) {
            return done;
        }
        if !HAS_SAID.swap(true, Ordering::Relaxed) {
            log::warn!(
                "all helper threads wait for other processes or for the other ends of FIFOs: further \
                 such calls wait until one of them is free (said once)"
            );
        }
        if let Ended::Interrupted(error) = wait.rest(AGAIN) {
            set_errno(error);
            return failed;
        }
    }
}
