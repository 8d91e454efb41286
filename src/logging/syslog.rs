//! The logs as syslog messages: RFC 3164 or RFC 5424, over UDP, TCP or a unix socket.
//!
//! ```text
//!   3164  <14>Nov 21 13:10:00 host unicoro.app.error[4711]: message
//!   5424  <14>1 2026-11-21T13:10:00+00:00 host unicoro.app.error 4711 - - message
//! ```
//!
//! Nobody waits here: a datagram is sent or lost. A stream has a thread that connects and writes,
//! behind a queue with a limit. What is lost is counted, and said once it flows again.

use std::io::{self, Write};
use std::net::{TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use unicoro_sys::clock::{LocalTime, unix_now};
use unicoro_sys::host_name::host_name;
use unicoro_sys::process::Pid;

use crate::config::Remote;

/// Messages that wait for a stream; more are lost.
const QUEUE: usize = 1024;
/// The longest that a stream may take to connect or to write.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest message: what a datagram to a unix socket takes without tuning.
const MOST_BYTES: usize = 8 * 1024;

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyslogFormat {
    /// What every daemon understands.
    Rfc3164,
    /// With the year, the zone and a place for structure.
    Rfc5424,
}

/// What the settings say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyslogOptions {
    /// Where the syslog daemon listens.
    pub remote: Remote,
    /// RFC 5424, 6.2.1, such as 1 for user.
    pub facility: u8,
    /// Comes between `unicoro` and the log's name in the tag.
    pub prefix: String,
    /// Which of the two RFCs a message follows.
    pub format: SyslogFormat,
}

/// RFC 5424, 6.2.1, by code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the RFC's names")]
pub enum Severity {
    Critical = 2,
    Error = 3,
    Warning = 4,
    Info = 6,
    Debug = 7,
}

/// A way to a syslog daemon.
#[derive(Debug)]
pub struct Syslog {
    options: SyslogOptions,
    host: String,
    line: Mutex<Option<(Pid, Line)>>,
    lost: AtomicU64,
}

#[derive(Debug)]
enum Line {
    Udp(UdpSocket),
    Unix(UnixDatagram),
    /// To the thread that owns the stream.
    Stream(SyncSender<Vec<u8>>),
}

impl Syslog {
    /// Looks the other end up; connections are made when there is something to say.
    ///
    /// # Errors
    /// A UDP host whose name is not known.
    pub fn open(options: SyslogOptions) -> io::Result<Syslog> {
        let syslog =
            Syslog { options, host: host_name(), line: Mutex::default(), lost: AtomicU64::new(0) };
        if matches!(syslog.options.remote, Remote::Udp { .. }) {
            syslog.connect()?;
        }
        Ok(syslog)
    }

    /// Sends one message. `log` is `error` or `access`.
    pub fn send(&self, severity: Severity, log: &str, message: &str) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let notice = format!("{lost} messages could not be sent and were dropped");
            let is_sent = self.send_bytes(&self.message(Severity::Warning, "error", &notice));
            self.lost.fetch_add(if is_sent { 0 } else { lost }, Ordering::Relaxed);
        }
        if !self.send_bytes(&self.message(severity, log, message)) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn message(&self, severity: Severity, log: &str, message: &str) -> Vec<u8> {
        let SyslogOptions { facility, prefix, format, remote } = &self.options;
        let priority = u32::from(*facility) * 8 + severity as u32;
        let tag = format!("unicoro.{prefix}.{log}");
        let pid = Pid::me();
        let time = LocalTime::from_unix(unix_now());
        let is_local = matches!(remote, Remote::Unix { .. });
        let text = match format {
            // A daemon on a unix socket knows the host, and expects none.
            SyslogFormat::Rfc3164 if is_local => {
                format!("<{priority}>{} {tag}[{pid}]: {message}", short_time(&time))
            }
            SyslogFormat::Rfc3164 => {
                let time = short_time(&time);
                format!("<{priority}>{time} {} {tag}[{pid}]: {message}", self.host)
            }
            SyslogFormat::Rfc5424 => {
                let time = long_time(&time);
                format!("<{priority}>1 {time} {} {tag} {pid} - - {message}", self.host)
            }
        };
        let mut bytes = text.into_bytes();
        bytes.truncate(MOST_BYTES);
        bytes
    }

    /// False: it is lost.
    fn send_bytes(&self, message: &[u8]) -> bool {
        let line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        // A worker makes its own: the master's thread is not there after the fork.
        let is_ours = line.as_ref().is_some_and(|(owner, _)| *owner == Pid::me());
        drop(line);
        if !is_ours && self.connect().is_err() {
            return false;
        }
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = match line.as_ref() {
            Some((_, Line::Udp(socket))) => socket.send(message).map(drop),
            Some((_, Line::Unix(socket))) => socket.send(message).map(drop),
            Some((_, Line::Stream(queue))) => {
                return queue.try_send(framed(message, self.options.format)).is_ok();
            }
            None => return false,
        };
        match sent {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            Err(_) => {
                // The daemon was started anew, or nobody listens: connect again for the next.
                *line = None;
                false
            }
        }
    }

    fn connect(&self) -> io::Result<()> {
        let made = match &self.options.remote {
            Remote::Udp { host, port } => {
                let any = if host.contains(':') { "[::]:0" } else { "0.0.0.0:0" };
                let socket = UdpSocket::bind(any)?;
                socket.set_nonblocking(true)?;
                socket.connect((host.as_str(), *port))?;
                Line::Udp(socket)
            }
            Remote::Unix { path, is_stream: None | Some(false) } => {
                let socket = UnixDatagram::unbound()?;
                socket.set_nonblocking(true)?;
                match (socket.connect(path), &self.options.remote) {
                    (Ok(()), _) => Line::Unix(socket),
                    // EPROTOTYPE: it is a stream.
                    (Err(error), Remote::Unix { is_stream: None, .. })
                        if error.raw_os_error() == Some(libc::EPROTOTYPE) =>
                    {
                        self.stream()?
                    }
                    (Err(error), _) => return Err(error),
                }
            }
            Remote::Tcp { .. } | Remote::Unix { is_stream: Some(true), .. } => self.stream()?,
        };
        *self.line.lock().unwrap_or_else(PoisonError::into_inner) = Some((Pid::me(), made));
        Ok(())
    }

    fn stream(&self) -> io::Result<Line> {
        let (sender, receiver) = sync_channel(QUEUE);
        let remote = self.options.remote.clone();
        thread::Builder::new()
            .name("syslog".into())
            .spawn(move || write_all(&remote, &receiver))?;
        Ok(Line::Stream(sender))
    }
}

/// The life of a stream's thread. A message that cannot be written is tried once more on a new
/// connection.
fn write_all(remote: &Remote, messages: &Receiver<Vec<u8>>) {
    /// Between two attempts to connect.
    const PAUSE: Duration = Duration::from_secs(1);
    let mut stream: Option<Box<dyn Write>> = None;
    while let Ok(message) = messages.recv() {
        for _ in 0..2 {
            if stream.is_none() {
                stream = open_stream(remote).ok();
            }
            let Some(open) = &mut stream else {
                thread::sleep(PAUSE);
                continue;
            };
            if open.write_all(&message).is_ok() {
                break;
            }
            stream = None;
        }
    }
}

fn open_stream(remote: &Remote) -> io::Result<Box<dyn Write>> {
    match remote {
        Remote::Tcp { host, port } => {
            use std::net::ToSocketAddrs;
            let address = (host.as_str(), *port).to_socket_addrs()?.next();
            let address = address.ok_or(io::ErrorKind::NotFound)?;
            let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
            stream.set_write_timeout(Some(PATIENCE))?;
            Ok(Box::new(stream))
        }
        Remote::Unix { path, .. } => {
            let stream = UnixStream::connect(path)?;
            stream.set_write_timeout(Some(PATIENCE))?;
            Ok(Box::new(stream))
        }
        Remote::Udp { .. } => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// RFC 6587: lines end in a line feed; 5424 messages are counted, so that they may hold one.
fn framed(message: &[u8], format: SyslogFormat) -> Vec<u8> {
    match format {
        SyslogFormat::Rfc3164 => {
            let line = message.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte });
            line.chain([b'\n']).collect()
        }
        SyslogFormat::Rfc5424 => [format!("{} ", message.len()).as_bytes(), message].concat(),
    }
}

/// `Nov  1 13:10:00`: RFC 3164, 4.1.2.
fn short_time(time: &LocalTime) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let LocalTime { month, day, hour, minute, second, .. } = time;
    let month = MONTHS[usize::from((*month).clamp(1, 12) - 1)];
    format!("{month} {day:2} {hour:02}:{minute:02}:{second:02}")
}

/// RFC 3339, which RFC 5424 asks for.
pub(super) fn long_time(time: &LocalTime) -> String {
    let (sign, hours, minutes) = time.offset();
    let LocalTime { year, month, day, hour, minute, second, .. } = time;
    format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{sign}{hours:02}:{minutes:02}"
    )
}

/// The number of a facility by name: RFC 5424, table 1, with syslog(3)'s names.
#[must_use]
pub fn facility(name: &str) -> Option<u8> {
    FACILITIES.iter().find(|(known, _)| *known == name).map(|(_, code)| *code)
}

const FACILITIES: [(&str, u8); 22] = [
    ("kern", 0),
    ("user", 1),
    ("mail", 2),
    ("daemon", 3),
    ("auth", 4),
    ("security", 4),
    ("syslog", 5),
    ("lpr", 6),
    ("news", 7),
    ("uucp", 8),
    ("cron", 9),
    ("authpriv", 10),
    ("ftp", 11),
    ("local0", 16),
    ("local1", 17),
    ("local2", 18),
    ("local3", 19),
    ("local4", 20),
    ("local5", 21),
    ("local6", 22),
    ("local7", 23),
    ("ntp", 12),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Read};
    use std::net::TcpListener;

    fn options(remote: Remote, format: SyslogFormat) -> SyslogOptions {
        SyslogOptions { remote, facility: 16, prefix: "app".into(), format }
    }

    #[test]
    fn a_datagram_has_priority_time_host_tag_and_pid() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port();
        let remote = Remote::Udp { host: "127.0.0.1".into(), port };
        let syslog = Syslog::open(options(remote, SyslogFormat::Rfc3164)).unwrap();
        syslog.send(Severity::Error, "error", "it broke");
        let mut buffer = [0; 512];
        let length = server.recv(&mut buffer).unwrap();
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let end = format!(" {} unicoro.app.error[{}]: it broke", host_name(), Pid::me());
        assert!(text.starts_with("<131>") && text.ends_with(&end), "{text}");
        assert_eq!(text.len(), "<131>Nov 21 13:10:00".len() + end.len());
    }

    #[test]
    fn a_stream_is_connected_when_needed_and_messages_are_counted() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port();
        let remote = Remote::Tcp { host: "127.0.0.1".into(), port };
        let syslog = Syslog::open(options(remote, SyslogFormat::Rfc5424)).unwrap();
        syslog.send(Severity::Info, "access", "GET /\n");
        let (stream, _) = server.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let mut count = Vec::new();
        reader.read_until(b' ', &mut count).unwrap();
        let count: usize = String::from_utf8_lossy(&count).trim().parse().unwrap();
        let mut message = vec![0; count];
        reader.read_exact(&mut message).unwrap();
        let text = String::from_utf8(message).unwrap();
        assert!(text.starts_with("<134>1 20") && text.ends_with(" - - GET /\n"), "{text}");
    }

    #[test]
    fn what_nobody_takes_is_counted_and_nobody_waits() {
        let path = std::env::temp_dir().join(format!("unicoro-{}-no-log", std::process::id()));
        let remote = Remote::Unix { path, is_stream: None };
        let syslog = Syslog::open(options(remote, SyslogFormat::Rfc3164)).unwrap();
        (0..3).for_each(|_| syslog.send(Severity::Info, "error", "x"));
        assert_eq!(syslog.lost.load(Ordering::Relaxed), 3);
    }
}
