//! One request of a connection: refused, or asked of the application; then logged, and said what becomes
//! of the connection.

use std::sync::Arc;
use std::time::{Duration, Instant};

use unicoro_contract::{AfterServe, Connection, SocketAddress};

use super::access::{self, AccessLine};
use super::desk::Desk;
use super::quota::Quota;
use super::rules::{Admission, Rules};
use crate::exchange::{
    Ending, Fate, Left, Memory, Place, Reader, Response, Streams, Unread, WebSockets,
};
use crate::http::{BodyDecoder, Framing, Head, HttpError, Manner, RequestFacts, Version};
use crate::logging::{AccessLog, divert};
use crate::python::{self, Application, Request};

/// What requests are served with.
pub struct Service {
    /// What is demanded of clients.
    pub rules: Rules,
    /// How connections end.
    pub ending: Ending,
    /// The access log, if the server writes one.
    pub access: Option<AccessLog>,
    /// The variables of an environ that it shows.
    pub environ_names: Vec<String>,
    /// Requests that are left.
    pub quota: Quota,
    /// What the supervisor sees.
    pub desk: Desk,
    /// How long a request may take.
    pub request_timeout: Option<Duration>,
    /// The WebSockets.
    pub sockets: Arc<WebSockets>,
    /// The streams.
    pub streams: Streams,
}

impl Service {
    /// A request that breaks the rules: answered, logged, closed.
    pub fn refuse(
        &self,
        conn: &mut Connection,
        head: Option<&Head<'_>>,
        error: &HttpError,
    ) -> AfterServe {
        let client = Memory::client(conn);
        // What is not the client's fault is the set-up's.
        let level = if error.status == 500 { log::Level::Error } else { log::Level::Info };
        log::log!(level, "refused a request of {}: {error}", shown(&client));
        conn.stream.expect_response();
        let is_head = head.is_some_and(|head| head.method == "HEAD");
        let facts = RequestFacts {
            version: Version::Http11,
            is_head,
            keep_alive: false,
            takes_trailers: false,
            manner: Manner::Gunicorn,
        };
        let stream = Arc::clone(&conn.stream);
        let mut response = Response::new(stream, Instant::now(), facts, self.rules.response, None);
        response.refuse(error.status, &error.detail);
        drop(response.send_rest());
        let is_written = divert::takes_accesses();
        if is_written {
            python::log_refusal(&client, head, response.answer());
        }
        let answer = response.answer();
        let duration = Duration::ZERO;
        let line =
            || AccessLine { client: &client, head, answer, environ: &[], duration, is_written };
        self.log(line);
        // A client that was too slow has nothing under way that could reset the connection.
        let fate = if error.status == 408 { Fate::Dropped } else { response.fate() };
        self.ending.after(conn, fate, Unread::Unknown)
    }

    /// A request that the application answers.
    pub fn answer(
        &self,
        conn: &mut Connection,
        head: &Head<'_>,
        admission: &Admission<'_>,
        application: &Application,
    ) -> AfterServe {
        let began = Instant::now();
        conn.stream.expect_response();
        let in_progress = self.desk.begin(head.method, head.target.raw, began);
        let (client, local) = (Memory::client(conn), conn.local.clone());
        let proxy = Memory::of(conn).and_then(|memory| memory.proxy);
        let facts = self.facts(conn, head);
        let unread = self.unread(conn, head);
        let served = application.call(Request {
            head,
            place: Place {
                client: &client,
                local: &local,
                proxy: proxy.as_ref(),
                is_https: admission.is_https,
                script_name: admission.script_name.trim_end_matches('/'),
                path: admission.path,
            },
            stream: &conn.stream,
            unread,
            facts,
            began,
            tempo: &self.rules.response,
            environ_names: &self.environ_names,
            sockets: Some(&self.sockets),
            streams: &self.streams,
        });
        drop(in_progress);
        self.quota.use_one();
        if served.ends_worker {
            self.quota.cancelled();
        }
        self.log(|| AccessLine {
            client: &client,
            head: Some(head),
            answer: served.response.answer(),
            environ: &served.environ,
            duration: began.elapsed(),
            is_written: served.is_logged,
        });
        conn.served += 1;
        if let Some((socket, callbacks)) = served.left {
            let target = head.target.raw.into();
            return Self::leave(conn, Left { socket, callbacks, target });
        }
        self.ending.after(conn, served.response.fate(), served.unread)
    }

    /// What the response must know, before what follows the head is taken from the connection.
    pub fn facts(&self, conn: &Connection, head: &Head<'_>) -> RequestFacts {
        // At the end of the worker the last one says close, of those that have come already.
        let has_next = head.framing == Framing::Empty && !conn.inbox.is_empty();
        let keep_alive = head.keep_alive && self.ending.can_keep(conn, has_next);
        RequestFacts {
            version: head.version,
            is_head: head.method == "HEAD",
            keep_alive,
            takes_trailers: false,
            manner: Manner::Gunicorn,
        }
    }

    /// What follows the head. Without a body too: an application that takes the socket wants all that
    /// has come.
    pub fn unread(&self, conn: &mut Connection, head: &Head<'_>) -> Unread {
        if head.framing == Framing::Empty && conn.inbox.is_empty() {
            return Unread::Nothing;
        }
        let (stream, inbox) = (Arc::clone(&conn.stream), std::mem::take(&mut conn.inbox));
        let decoder = BodyDecoder::new(head.framing);
        let reader = Reader::new(stream, inbox, decoder, head.expects_continue, self.rules.body);
        Unread::Behind(Box::new(reader))
    }

    pub fn log<'a>(&self, line: impl FnOnce() -> AccessLine<'a>) {
        if let Some(log) = &self.access {
            access::write(log, &line());
        }
    }
}

fn shown(client: &SocketAddress) -> String {
    match client {
        SocketAddress::Ip(address) => address.to_string(),
        SocketAddress::Unix(_) => "a unix socket".into(),
    }
}
