//! An alarm clock, on which a thread sleeps: timerfd_create(2). To set it costs one system call and wakes
//! nobody, so that whoever makes progress can put off for ever what is to happen only without any.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

/// An alarm clock.
#[derive(Debug)]
pub struct AlarmClock(OwnedFd);

impl AlarmClock {
    /// A new one, which is not set; close-on-exec.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn new() -> io::Result<Self> {
        Ok(Self(timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)?))
    }

    /// It rings once, so much later, and no more for what it was set to before. From any thread.
    pub fn set(&self, after: Duration) {
        const NEVER: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
        let once = Itimerspec {
            it_interval: NEVER,
            it_value: Timespec {
                tv_sec: i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
                // 0 would stop it.
                tv_nsec: i64::from(after.subsec_nanos()).max(1),
            },
        };
        // It fails only for what is no timer, and no time.
        let _ = timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once);
    }

    /// Sleeps until it rings.
    pub fn sleep(&self) {
        while rustix::io::read(&self.0, &mut [0; size_of::<u64>()]).is_err() {
            // A signal.
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn it_rings_at_what_it_was_set_to_last() {
        let clock = AlarmClock::new().unwrap();
        let began = Instant::now();
        clock.set(Duration::from_secs(3600));
        clock.set(Duration::from_millis(5));
        clock.sleep();
        assert!(began.elapsed() >= Duration::from_millis(5));
    }
}
