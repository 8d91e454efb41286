//! One request for the application, as a worker hands it over.

use std::mem;
use std::sync::Arc;
use std::time::Instant;

use unicoro_contract::{Stream, Tempo};

use super::served::Served;
use crate::exchange::{Place, Response, Streams, Unread, WebSockets};
use crate::http::{Head, RequestFacts};

/// One request.
pub struct Request<'a> {
    /// What was asked.
    pub head: &'a Head<'a>,
    /// Where it comes from, and what for.
    pub place: Place<'a>,
    /// Where the response goes.
    pub stream: &'a Arc<Stream>,
    /// The body, while the application does not have it.
    pub unread: Unread,
    /// What the response must know.
    pub facts: RequestFacts,
    /// Variables of the environ that the access log wants to know.
    pub environ_names: &'a [String],
    /// When its head was whole.
    pub began: Instant,
    /// How slowly the client may take the response.
    pub tempo: &'a Tempo,
    /// The WebSockets of the worker, of which it may become one; `None`: it may not.
    pub sockets: Option<&'a Arc<WebSockets>>,
    /// The streams of the worker, of which its response may become one.
    pub streams: &'a Streams,
}

impl Request<'_> {
    /// The request line as the log shows it. The parser lets no control byte into any part of it.
    pub fn line(&self) -> String {
        format!("{} {}", self.head.method, self.head.target.raw)
    }

    /// A response to it that has not begun.
    pub fn response(&self) -> Response {
        let stream = Arc::clone(self.stream);
        // The client is kept only if it sends the body that it asks leave for.
        Response::new(stream, self.began, self.facts, *self.tempo, self.unread.continue_due())
    }

    /// It was answered with this; of its environ, this was asked for.
    pub fn served(&mut self, response: Response, environ: Vec<(String, String)>) -> Served {
        Served {
            response,
            unread: mem::replace(&mut self.unread, Unread::Unknown),
            environ,
            is_logged: false,
            ends_worker: false,
            left: None,
        }
    }
}
