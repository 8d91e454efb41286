//! Applications that were told that their deadline has passed, and went on.

use unicoro_contract::interrupt;

/// What the application did has ended, with the exception if it `was_raised`. One that catches BaseException and
/// goes on holds a green thread that nobody waits for.
pub fn warn_if_swallowed(line: impl FnOnce() -> String, was_raised: bool) {
    if interrupt().is_delivered && !was_raised {
        log::warn!(
            "{}: the application has swallowed unicoro.RequestTimeout; it should clean up and let \
             it pass",
            line()
        );
    }
}
