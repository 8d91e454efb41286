//! Waiting for a condition, never for a time.

use std::io::{self, ErrorKind};
use std::thread;
use std::time::{Duration, Instant};

/// What any single step of a test may take. Generous: it bounds a hang, it measures nothing.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Looks every few milliseconds until `condition` gives something, and returns it.
pub fn until<T>(what: &str, patience: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {patience:?} for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Calls again what an interruption ended. A read of a socket with a time-out ends so whenever the
/// machine freezes its processes for a moment (signal(7)).
pub fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// `until` for a plain yes or no.
pub fn until_true(what: &str, mut condition: impl FnMut() -> bool) {
    until(what, PATIENCE, || condition().then_some(()));
}
