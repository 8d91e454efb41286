//! One request and its answer, as the access log sees them.
//!
//! Everything is borrowed and unescaped; escaping is the format's work. Headers and environ are
//! look-ups, so that a format which does not ask for them costs nothing.

use std::borrow::Cow;
use std::time::Duration;

use unicoro_sys::process::Pid;

/// Finds a value by name. Header names are asked for as the format spells them: compare them
/// without regard to case.
pub type Lookup<'a> = dyn Fn(&str) -> Option<Cow<'a, [u8]>> + 'a;

/// What the atoms of a format are filled from. An empty text means that there was none.
pub struct AccessRecord<'a> {
    /// The client's address; empty for a unix socket.
    pub remote_addr: &'a [u8],
    /// The request method.
    pub method: &'a [u8],
    /// The request target as it came.
    pub target: &'a [u8],
    /// The path, percent-decoded.
    pub path: &'a [u8],
    /// The query string, without the question mark.
    pub query: &'a [u8],
    /// `HTTP/1.1`.
    pub protocol: &'a [u8],
    /// The status of the response.
    pub status: u16,
    /// Bytes of the response's body; `None` when nothing was sent.
    pub sent: Option<u64>,
    /// When the response ended, in seconds since 1970.
    pub unix_seconds: i64,
    /// From the complete request head to the end of the response.
    pub duration: Duration,
    /// The worker.
    pub pid: Pid,
    /// The request's headers.
    pub request_header: &'a Lookup<'a>,
    /// The response's headers.
    pub response_header: &'a Lookup<'a>,
    /// The WSGI environ, those of [`environ_names`](super::AccessFormat::environ_names).
    pub environ: &'a Lookup<'a>,
}

/// A look-up that knows nothing.
#[must_use]
pub fn nothing<'a>(_name: &str) -> Option<Cow<'a, [u8]>> {
    None
}
