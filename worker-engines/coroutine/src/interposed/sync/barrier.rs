//! Barriers: a helper thread arrives in the green thread's place, so that green threads and OS threads
//! meet.
//!
//! At most [`MEETING`]'s size wait at barriers at once. Who comes beyond that waits for one of
//! them to go; a barrier that needs more green threads than that is never complete, and only those
//! requests stand still.
#![allow(unsafe_code)]

use std::time::{Duration, Instant};

use libc::{c_int, pthread_barrier_t};

use crate::errands::MEETING;
use crate::interposed::machinery::call::interposed;

/// How often to ask for a helper while all wait at barriers.
const LOOK: Duration = Duration::from_millis(10);

interposed! {
    fn pthread_barrier_wait(barrier: *mut pthread_barrier_t) -> c_int |green, real| {
        loop {
            // SAFETY: the caller's barrier.
            if let Some(done) = MEETING.run_now(green, || unsafe { real(barrier) }) {
                return done;
            }
            green.park_firmly(green.ticket(), Some(Instant::now() + LOOK));
        }
    }
}
