//! One access-log line for one request.

use std::borrow::Cow;
use std::time::Duration;

use unicoro_contract::SocketAddress;
use unicoro_sys::clock::unix_now;
use unicoro_sys::process::Pid;

use crate::exchange::Answer;
use crate::http::{Head, percent_decode};
use crate::logging::{AccessLog, AccessRecord};

/// What a line is about.
pub struct AccessLine<'a> {
    /// The client.
    pub client: &'a SocketAddress,
    /// `None`: the head could not be read.
    pub head: Option<&'a Head<'a>>,
    /// What it got.
    pub answer: &'a Answer,
    /// Variables of its environ.
    pub environ: &'a [(String, String)],
    /// From the whole head to the end of the response.
    pub duration: Duration,
    /// Whether Python's logging has written it.
    pub is_written: bool,
}

/// Counts the request and writes the line.
pub fn write(log: &AccessLog, line: &AccessLine<'_>) {
    log.count(line.answer.status, line.duration);
    if line.is_written {
        return;
    }
    let remote_addr = match line.client {
        SocketAddress::Ip(address) => address.ip().to_string(),
        SocketAddress::Unix(_) => String::new(),
    };
    let head = line.head;
    let text = |part: Option<&'_ str>| part.unwrap_or("").as_bytes().to_vec();
    let path = head.map_or(Cow::Borrowed(&b""[..]), |head| percent_decode(head.target.path));
    // Of several the last, as gunicorn.
    let request_header = |name: &str| {
        let mut fields = head?.fields.iter().rev();
        let found = fields.find(|field| field.name.eq_ignore_ascii_case(name))?;
        Some(Cow::Borrowed(found.value))
    };
    let response_header = |name: &str| {
        let is_it = |known: &[u8]| known.eq_ignore_ascii_case(name.as_bytes());
        let found = line.answer.fields.iter().filter(|(known, _)| is_it(known)).last()?;
        Some(Cow::Borrowed(found.1))
    };
    let environ = |name: &str| {
        let found = line.environ.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| Cow::Borrowed(value.as_bytes()))
    };
    log.write(&AccessRecord {
        remote_addr: remote_addr.as_bytes(),
        method: &text(head.map(|head| head.method)),
        target: &text(head.map(|head| head.target.raw)),
        path: &path,
        query: &text(head.map(|head| head.target.query)),
        protocol: &text(head.map(|head| head.version.as_str())),
        status: line.answer.status,
        sent: Some(line.answer.body_sent),
        unix_seconds: unix_now(),
        duration: line.duration,
        pid: Pid::me(),
        request_header: &request_header,
        response_header: &response_header,
        environ: &environ,
    });
}
