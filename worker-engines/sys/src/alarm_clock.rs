//! An alarm clock, on which a thread sleeps: timerfd_create(2). To set it costs one system call and wakes
//! nobody, so that whoever makes progress can put off for ever what is to happen only without any.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::Errno;
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
    ///
    /// # Errors
    /// timerfd_settime(2): as [`AlarmClock::sleep`]. Whoever sleeps already may not notice.
    pub fn set(&self, after: Duration) -> io::Result<()> {
        const NEVER: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
        let once = Itimerspec {
            it_interval: NEVER,
            it_value: Timespec {
                tv_sec: i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
                // 0 would stop it.
                tv_nsec: i64::from(after.subsec_nanos()).max(1),
            },
        };
        timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once)?;
        Ok(())
    }

    /// Sleeps until it rings.
    ///
    /// # Errors
    /// read(2): it is none any more, because somebody has closed its descriptor.
    pub fn sleep(&self) -> io::Result<()> {
        loop {
            match rustix::io::read(&self.0, &mut [0; size_of::<u64>()]) {
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
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
        clock.set(Duration::from_secs(3600)).unwrap();
        clock.set(Duration::from_millis(5)).unwrap();
        clock.sleep().unwrap();
        assert!(began.elapsed() >= Duration::from_millis(5));
    }

    #[test]
    fn what_is_no_clock_any_more_says_so() {
        let clock = AlarmClock(std::fs::File::open("/").unwrap().into());
        clock.set(Duration::from_secs(1)).unwrap_err();
        clock.sleep().unwrap_err();
    }
}
