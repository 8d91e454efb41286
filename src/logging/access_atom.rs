//! The atoms of an access-log format: names, and how each is printed.

use std::io::Write;

use unicoro_sys::clock::LocalTime;

use super::access_record::{AccessRecord, Lookup};
use super::basic_auth::user_of;
use super::escape::push_bytes;

/// One thing that a format can ask for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Atom {
    /// `h`
    RemoteAddr,
    /// `l`: identd's answer, which nobody asks for; always `-`.
    Ident,
    /// `u`: the user of basic authentication.
    User,
    /// `t`
    Time,
    /// `r`
    RequestLine,
    /// `m`
    Method,
    /// `U`
    Path,
    /// `q`
    Query,
    /// `H`
    Protocol,
    /// `s`
    Status,
    /// `B` and `b`
    Sent,
    /// `f`
    Referer,
    /// `a`
    UserAgent,
    /// `T`
    Seconds,
    /// `M`
    Milliseconds,
    /// `D`
    Microseconds,
    /// `L`
    DecimalSeconds,
    /// `p`
    Pid,
    /// `{name}i`
    RequestHeader(String),
    /// `{name}o`
    ResponseHeader(String),
    /// `{name}e`
    Environ(String),
}

impl Atom {
    /// The atom with this name: what stands between the parentheses.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Atom> {
        if let Some((inner, kind)) = name.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            return match kind {
                _ if inner.is_empty() => None,
                "i" => Some(Atom::RequestHeader(inner.to_owned())),
                "o" => Some(Atom::ResponseHeader(inner.to_owned())),
                "e" => Some(Atom::Environ(inner.to_owned())),
                _ => None,
            };
        }
        SIMPLE.iter().find(|(simple, _)| *simple == name).map(|(_, atom)| atom.clone())
    }

    /// True for those that are integers, which Python's `%d` can print.
    #[must_use]
    pub fn is_number(&self) -> bool {
        matches!(
            self,
            Atom::Sent | Atom::Seconds | Atom::Milliseconds | Atom::Microseconds | Atom::Status
        )
    }

    /// Prints its value from `record`.
    pub fn render(&self, record: &AccessRecord<'_>, out: &mut Vec<u8>) {
        let duration = record.duration;
        match self {
            // gunicorn: prints nothing for a client on a unix socket, which shifts every column.
            Atom::RemoteAddr => push_or_dash(out, record.remote_addr),
            Atom::Ident => out.push(b'-'),
            Atom::User => match (record.request_header)("authorization").as_deref().map(user_of) {
                Some(Some(user)) => push_or_dash(out, &user),
                _ => out.push(b'-'),
            },
            Atom::Time => push_time(out, record.unix_seconds),
            Atom::RequestLine => push_request_line(out, record),
            Atom::Method => push_or_dash(out, record.method),
            Atom::Path => push_or_dash(out, record.path),
            Atom::Query => push_bytes(out, record.query),
            Atom::Protocol => push_or_dash(out, record.protocol),
            Atom::Status => print(out, format_args!("{}", record.status)),
            Atom::Sent => match record.sent {
                Some(bytes) => print(out, format_args!("{bytes}")),
                None => out.push(b'-'),
            },
            Atom::Referer => push_found(out, record.request_header, "referer"),
            Atom::UserAgent => push_found(out, record.request_header, "user-agent"),
            Atom::Seconds => print(out, format_args!("{}", duration.as_secs())),
            Atom::Milliseconds => print(out, format_args!("{}", duration.as_millis())),
            Atom::Microseconds => print(out, format_args!("{}", duration.as_micros())),
            Atom::DecimalSeconds => {
                let (seconds, micros) = (duration.as_secs(), duration.subsec_micros());
                print(out, format_args!("{seconds}.{micros:06}"));
            }
            Atom::Pid => print(out, format_args!("<{}>", record.pid)),
            Atom::RequestHeader(name) => push_found(out, record.request_header, name),
            Atom::ResponseHeader(name) => push_found(out, record.response_header, name),
            Atom::Environ(name) => push_found(out, record.environ, name),
        }
    }
}

fn push_or_dash(out: &mut Vec<u8>, value: &[u8]) {
    push_bytes(out, if value.is_empty() { b"-" } else { value });
}

fn push_found(out: &mut Vec<u8>, lookup: &Lookup<'_>, name: &str) {
    match lookup(name) {
        Some(value) => push_bytes(out, &value),
        None => out.push(b'-'),
    }
}

/// A request that was refused before its line was understood has only a dash.
fn push_request_line(out: &mut Vec<u8>, record: &AccessRecord<'_>) {
    if record.method.is_empty() && record.target.is_empty() {
        out.push(b'-');
        return;
    }
    push_bytes(out, record.method);
    out.push(b' ');
    push_bytes(out, record.target);
    out.push(b' ');
    push_bytes(out, record.protocol);
}

/// `[21/Nov/2026:13:10:00 +0000]`
fn push_time(out: &mut Vec<u8>, unix_seconds: i64) {
    let time = LocalTime::from_unix(unix_seconds);
    let month = MONTHS[usize::from(time.month.clamp(1, 12) - 1)];
    let LocalTime { year, day, hour, minute, second, .. } = time;
    let (sign, hours, minutes) = time.offset();
    print(
        out,
        format_args!(
            "[{day:02}/{month}/{year:04}:{hour:02}:{minute:02}:{second:02} \
             {sign}{hours:02}{minutes:02}]"
        ),
    );
}

fn print(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to a Vec cannot fail.
    let _ = out.write_fmt(text);
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const SIMPLE: [(&str, Atom); 19] = [
    ("h", Atom::RemoteAddr),
    ("l", Atom::Ident),
    ("u", Atom::User),
    ("t", Atom::Time),
    ("r", Atom::RequestLine),
    ("m", Atom::Method),
    ("U", Atom::Path),
    ("q", Atom::Query),
    ("H", Atom::Protocol),
    ("s", Atom::Status),
    ("B", Atom::Sent),
    ("b", Atom::Sent),
    ("f", Atom::Referer),
    ("a", Atom::UserAgent),
    ("T", Atom::Seconds),
    ("M", Atom::Milliseconds),
    ("D", Atom::Microseconds),
    ("L", Atom::DecimalSeconds),
    ("p", Atom::Pid),
];
