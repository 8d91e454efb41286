//! One request for the application, as a worker hands it over.

use std::sync::Arc;
use std::time::Instant;

use unicoro_contract::{Stream, Tempo};

use crate::exchange::Reader;
use crate::http::{Head, RequestFacts};
use crate::python::wsgi::environ::Place;

/// One request.
pub struct Request<'a> {
    /// What was asked.
    pub head: &'a Head<'a>,
    /// Where it comes from, and what for.
    pub place: Place<'a>,
    /// Where the response goes.
    pub stream: &'a Arc<Stream>,
    /// The body, if there is one.
    pub reader: Option<Reader>,
    /// What the response must know.
    pub facts: RequestFacts,
    /// Variables of the environ that the access log wants to know.
    pub environ_names: &'a [String],
    /// When its head was whole.
    pub began: Instant,
    /// For the response's Date.
    pub date: Arc<str>,
    /// How slowly the client may take the response.
    pub tempo: &'a Tempo,
}

impl Request<'_> {
    /// The request line as the log shows it. The parser lets no control byte into any part of it.
    pub fn line(&self) -> String {
        format!("{} {}", self.head.method, self.head.target.raw)
    }
}
