//! statsd: datagrams with gunicorn's names.
//!
//! A datagram that cannot be sent is lost without a word: figures are not worth a request.

use std::env;
use std::io;
use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::config::Remote;

/// A connected socket, the prefix of every name, and the tags of every line.
#[derive(Debug)]
pub struct Statsd {
    socket: Socket,
    prefix: String,
    tags: String,
}

#[derive(Debug)]
enum Socket {
    Udp(UdpSocket),
    Unix(UnixDatagram),
}

impl Statsd {
    /// Connects; nothing is sent yet.
    ///
    /// # Errors
    /// The host's name is not known.
    pub fn connect(remote: &Remote, prefix: &str, tags: &str) -> io::Result<Statsd> {
        let socket = match remote {
            Remote::Udp { host, port } | Remote::Tcp { host, port } => {
                let any = if host.contains(':') { "[::]:0" } else { "0.0.0.0:0" };
                let socket = UdpSocket::bind(any)?;
                socket.connect((host.as_str(), *port))?;
                socket.set_nonblocking(true)?;
                Socket::Udp(socket)
            }
            Remote::Unix { path, .. } => {
                let socket = UnixDatagram::unbound()?;
                socket.set_nonblocking(true)?;
                // gunicorn: one that is not there yet sends nothing either, for ever.
                socket.connect(path)?;
                Socket::Unix(socket)
            }
        };
        Ok(Statsd { socket, prefix: prefix_of(prefix), tags: tags_of(tags) })
    }

    /// One request was answered.
    // gunicorn: three datagrams; statsd takes several lines in one.
    pub fn request(&self, status: u16, duration: Duration) {
        if IS_LEFT_TO_OTHERS.load(Ordering::Relaxed) {
            return;
        }
        let millis = duration.as_secs_f64() * 1000.0;
        self.send(&[
            self.line("gunicorn.request.duration", &format!("{millis:.3}|ms")),
            self.line("gunicorn.requests", "1|c|@1.0"),
            self.line(&format!("gunicorn.request.status.{status}"), "1|c|@1.0"),
        ]);
    }

    /// Something was logged at a level that is counted.
    pub fn logged(&self, level: &str) {
        if IS_LEFT_TO_OTHERS.load(Ordering::Relaxed) {
            return;
        }
        self.send(&[self.line(&format!("gunicorn.log.{level}"), "1|c|@1.0")]);
    }

    /// So many workers are alive.
    pub fn workers(&self, count: usize) {
        self.send(&[self.line("gunicorn.workers", &format!("{count}|g"))]);
    }

    /// So many connections wait to be accepted.
    pub fn backlog(&self, count: u64) {
        self.send(&[self.line("gunicorn.backlog", &format!("{count}|h"))]);
    }

    fn line(&self, name: &str, value: &str) -> String {
        format!("{}{name}:{value}{}", self.prefix, self.tags)
    }

    fn send(&self, lines: &[String]) {
        let text = lines.join("\n");
        // See the top: nobody hears of it.
        let _ = match &self.socket {
            Socket::Udp(socket) => socket.send(text.as_bytes()),
            Socket::Unix(socket) => socket.send(text.as_bytes()),
        };
    }
}

/// The one that this process sends to, for those who log.
static STATSD: Mutex<Option<Arc<Statsd>>> = Mutex::new(None);

/// Sends to `statsd` from now on.
pub fn use_statsd(statsd: Option<Arc<Statsd>>) {
    *STATSD.lock().unwrap_or_else(PoisonError::into_inner) = statsd;
}

/// Where this process sends to.
#[must_use]
pub fn statsd() -> Option<Arc<Statsd>> {
    STATSD.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Whether somebody else counts requests and records: a `logger_class` that sends to statsd itself.
static IS_LEFT_TO_OTHERS: AtomicBool = AtomicBool::new(false);

/// Whether requests and records are left to somebody else to count from now on.
pub fn leave_to_others(is_left: bool) {
    IS_LEFT_TO_OTHERS.store(is_left, Ordering::Relaxed);
}

/// gunicorn: the prefix ends in one dot, however it was written.
fn prefix_of(prefix: &str) -> String {
    match prefix.trim_end_matches('.') {
        "" => String::new(),
        prefix => format!("{prefix}."),
    }
}

/// Those of the setting; DataDog's own variables besides, as its clients take them.
fn tags_of(tags: &str) -> String {
    let variables = [("DD_ENV", "env"), ("DD_SERVICE", "service"), ("DD_VERSION", "version")];
    let given = tags.split(',').filter(|tag| !tag.trim().is_empty()).map(str::to_owned);
    let mut all: Vec<String> = given.collect();
    if !all.is_empty() {
        all.extend(variables.iter().filter_map(|(variable, tag)| {
            let value = env::var(variable).ok().filter(|value| !value.is_empty())?;
            Some(format!("{tag}:{value}"))
        }));
    }
    if all.is_empty() { String::new() } else { format!("|#{}", all.join(",")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_gunicorns_names_with_prefix_and_tags() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port();
        let remote = Remote::Udp { host: "127.0.0.1".into(), port };
        let statsd = Statsd::connect(&remote, "site..", "a:b").unwrap();
        let receive = || {
            let mut buffer = [0; 512];
            let length = server.recv(&mut buffer).unwrap();
            String::from_utf8_lossy(&buffer[..length]).into_owned()
        };
        statsd.request(200, Duration::from_micros(1500));
        let lines = receive();
        assert!(lines.starts_with("site.gunicorn.request.duration:1.500|ms|#a:b"), "{lines}");
        assert!(lines.contains("\nsite.gunicorn.requests:1|c|@1.0|#a:b"), "{lines}");
        assert!(lines.contains("\nsite.gunicorn.request.status.200:1|c|@1.0|#a:b"), "{lines}");
        statsd.workers(3);
        assert!(receive().starts_with("site.gunicorn.workers:3|g"));
        statsd.backlog(7);
        assert!(receive().starts_with("site.gunicorn.backlog:7|h"));
        statsd.logged("error");
        assert!(receive().starts_with("site.gunicorn.log.error:1|c|@1.0"));
    }

    #[test]
    fn a_prefix_ends_in_one_dot() {
        assert_eq!(
            (prefix_of(""), prefix_of("a"), prefix_of("a.b..")),
            ("".into(), "a.".into(), "a.b.".into())
        );
    }
}
