//! What systemd is told (sd_notify(3)), and how often it wants to hear from us.
//!
//! Without NOTIFY_SOCKET nothing happens. A message that cannot be sent is not worth a stop.

use std::env;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use unicoro_sys::clock::Moment;
use unicoro_sys::process::Pid;

use crate::supervisor::plan::Announcement;

/// The line to systemd.
#[derive(Debug)]
pub struct Systemd {
    socket: Option<(UnixDatagram, SocketAddr)>,
    /// Half of what systemd waits at most, as sd_watchdog_enabled(3) advises.
    watchdog: Option<Duration>,
    next_beat: Moment,
}

impl Systemd {
    pub fn from_environment(now: Moment) -> Systemd {
        let socket = env::var("NOTIFY_SOCKET").ok().and_then(|name| connect(&name));
        let watchdog = watchdog(
            &env::var("WATCHDOG_USEC").unwrap_or_default(),
            &env::var("WATCHDOG_PID").unwrap_or_default(),
            Pid::me(),
        );
        let watchdog = watchdog.filter(|_| socket.is_some());
        Systemd { socket, watchdog, next_beat: now }
    }

    pub fn announce(&self, announcement: Announcement) {
        match announcement {
            Announcement::Ready { workers } => {
                let plural = if workers == 1 { "" } else { "s" };
                self.send(&format!("READY=1\nSTATUS=Serving with {workers} worker{plural}"));
            }
            Announcement::Reloading => {
                let now = Moment::now().as_millis() * 1000;
                self.send(&format!("RELOADING=1\nMONOTONIC_USEC={now}\nSTATUS=Reloading"));
            }
            Announcement::ReloadFailed => {
                self.send("READY=1\nSTATUS=Reload failed, the old workers serve on");
            }
            Announcement::Stopping => self.send("STOPPING=1\nSTATUS=Stopping"),
        }
    }

    /// From now on systemd watches another process.
    pub fn hand_over(&self, successor: Pid) {
        self.send(&format!("MAINPID={successor}\nREADY=1"));
    }

    /// The loop turns. `None`: it may sleep as long as it likes.
    pub fn beat(&mut self, now: Moment) -> Option<Duration> {
        let interval = self.watchdog?;
        if self.next_beat <= now {
            self.send("WATCHDOG=1");
            self.next_beat = now + interval;
        }
        Some(self.next_beat - now)
    }

    fn send(&self, text: &str) {
        let Some((socket, address)) = &self.socket else { return };
        if let Err(error) = socket.send_to_addr(text.as_bytes(), address) {
            log::debug!("cannot tell systemd {text:?}: {error}");
        }
    }
}

fn connect(name: &str) -> Option<(UnixDatagram, SocketAddr)> {
    let address = match name.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name).ok()?,
        None => SocketAddr::from_pathname(name).ok()?,
    };
    let socket = UnixDatagram::unbound().ok()?;
    socket.set_nonblocking(true).ok()?;
    Some((socket, address))
}

fn watchdog(micros: &str, pid: &str, me: Pid) -> Option<Duration> {
    let is_for_us = pid.is_empty() || pid.parse() == Ok(me.as_raw());
    let micros = micros.parse().ok().filter(|micros| *micros > 0 && is_for_us)?;
    Some(Duration::from_micros(micros) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watchdog_hears_from_us_twice_as_often_as_it_asks_for() {
        let me = Pid::from_raw(7).unwrap();
        assert_eq!(watchdog("2000000", "7", me), Some(Duration::from_secs(1)));
        assert_eq!(watchdog("2000000", "", me), Some(Duration::from_secs(1)));
        assert_eq!(watchdog("2000000", "8", me), None);
        assert_eq!(watchdog("0", "", me), None);
        assert_eq!(watchdog("", "", me), None);
    }
}
