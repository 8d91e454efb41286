//! The handler: what an engine asks about bytes and requests, answered in HTTP and WSGI.

use std::io::IoSlice;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use unicoro_contract::{
    AfterRead, AfterServe, Blocked, Connection, GreenState, Handler, Inbox, Stop, StopState,
};

use crate::config::Settings;
use crate::http::{
    BodyDecoder, Framing, Head, HttpError, Limits, RequestFacts, parse, refusal, scan,
};
use crate::logging::AccessLog;
use crate::python::{
    self, Application, Ends, Fields, GreenThreadState, Outcome, Reader, Request, SEND_IDLE,
};

use super::access::{self, Answered};
use super::clock::date;
use super::desk::Desk;
use super::linger::linger;
use super::quota::Quota;
use super::stall;

/// The whole request head must have come this long after its first byte.
const HEAD_DEADLINE: Duration = Duration::from_secs(30);
/// What is read of a body that the application left unread, to keep the connection.
const MOST_DRAINED: usize = 256 * 1024;

/// Serves one application.
pub struct Server {
    application: Application,
    limits: Limits,
    keepalive: Option<Duration>,
    stop: Arc<Stop>,
    access: Option<AccessLog>,
    quota: Quota,
    desk: Desk,
}

impl Server {
    /// A handler for `application`.
    pub fn new(
        settings: &Settings,
        application: Application,
        keeps_alive: bool,
        stop: Arc<Stop>,
        access: Option<AccessLog>,
        quota: Quota,
        desk: Desk,
    ) -> Self {
        let limits = Limits {
            line: settings.limit_request_line.unwrap_or(0),
            fields: settings.limit_request_fields,
            field_size: settings.limit_request_field_size.unwrap_or(0),
        };
        let keepalive = Some(settings.keepalive).filter(|idle| keeps_alive && !idle.is_zero());
        Self { application, limits, keepalive, stop, access, quota, desk }
    }

    /// A head that breaks the rules: answered, logged, closed.
    fn refuse(&self, conn: &mut Connection, error: &HttpError) -> AfterServe {
        log::info!("refused a request of {}: {error}", peer(conn));
        let answer = refusal(error.status, &error.detail, &date(), false);
        let is_sent = conn.stream.send_all(&mut [IoSlice::new(&answer)], Some(SEND_IDLE)).is_ok();
        if let Some(log) = &self.access {
            access::write(
                log,
                &Answered {
                    peer: &conn.peer,
                    head: None,
                    status: error.status,
                    body_sent: 0,
                    fields: &Fields::default(),
                    duration: Duration::ZERO,
                },
            );
        }
        if is_sent {
            linger(&conn.stream, &mut conn.inbox);
        }
        AfterServe::Close
    }

    fn answer(&self, conn: &mut Connection, head: &Head<'_>) -> AfterServe {
        let began = Instant::now();
        let in_progress = self.desk.begin(format!("{} {}", head.method, head.target.raw));
        let keep_alive =
            head.keep_alive && self.keepalive.is_some() && self.stop.state() == StopState::Running;
        let facts =
            RequestFacts { version: head.version, is_head: head.method == "HEAD", keep_alive };
        let reader = (head.framing != Framing::Empty).then(|| {
            let inbox = std::mem::take(&mut conn.inbox);
            let decoder = BodyDecoder::new(head.framing);
            Reader::new(Arc::clone(&conn.stream), inbox, decoder, head.expects_continue)
        });
        let has_body = reader.is_some();
        let mut outcome = self.application.call(Request {
            head,
            ends: Ends { peer: &conn.peer, local: &conn.local },
            stream: &conn.stream,
            reader,
            facts,
            date: date(),
        });
        if !outcome.unsent.is_empty() {
            let sent = conn.stream.send_all(&mut [IoSlice::new(&outcome.unsent)], Some(SEND_IDLE));
            outcome.is_client_gone |= sent.is_err();
        }
        drop(in_progress);
        self.quota.use_one();
        if let Some(log) = &self.access {
            access::write(
                log,
                &Answered {
                    peer: &conn.peer,
                    head: Some(head),
                    status: outcome.status,
                    body_sent: outcome.body_sent,
                    fields: &outcome.fields,
                    duration: began.elapsed(),
                },
            );
        }
        conn.served += 1;
        self.after(conn, outcome, has_body)
    }

    /// What becomes of the connection: kept only if the next request begins where this one ended.
    fn after(&self, conn: &mut Connection, outcome: Outcome, has_body: bool) -> AfterServe {
        if outcome.is_client_gone {
            return AfterServe::Close;
        }
        let is_drained = match outcome.reader {
            Some(mut reader) => {
                let is_drained = outcome.keep_alive && drain(&mut reader);
                let is_read = reader.is_done();
                conn.inbox = reader.into_inbox();
                is_drained || (is_read && !outcome.keep_alive)
            }
            // Without its reader back, nobody knows where the next request begins.
            None => !has_body,
        };
        match self.keepalive {
            Some(idle) if outcome.keep_alive && is_drained => {
                AfterServe::Park { until: Some(Instant::now() + idle) }
            }
            _ => {
                if !is_drained || !conn.inbox.is_empty() {
                    linger(&conn.stream, &mut conn.inbox);
                }
                AfterServe::Close
            }
        }
    }
}

/// Reads what the application left of the body. False: it is too much, or will not come.
fn drain(reader: &mut Reader) -> bool {
    // A client that waits for "100 Continue" sends the body only if it feels like it.
    if reader.failure().is_some() || (reader.owes_continue() && !reader.is_done()) {
        return false;
    }
    let mut waste = Vec::new();
    let mut drained = 0;
    while !reader.is_done() {
        waste.clear();
        match reader.read(MOST_DRAINED - drained, &mut waste) {
            Ok(0) | Err(_) => break,
            Ok(count) => drained += count,
        }
    }
    reader.is_done()
}

fn peer(conn: &Connection) -> String {
    match &conn.peer {
        unicoro_contract::Address::Ip(address) => address.to_string(),
        unicoro_contract::Address::Unix(_) => "a unix socket".into(),
    }
}

impl Handler for Server {
    fn opened(&self, _conn: &Connection) -> Option<Instant> {
        Some(Instant::now() + HEAD_DEADLINE)
    }

    fn read(&self, conn: &mut Connection) -> AfterRead {
        let is_first_look = conn.scanned == 0;
        match scan(conn.inbox.as_slice(), &mut conn.scanned, &self.limits) {
            Ok(None) => {
                if is_first_look || conn.deadline.is_none() {
                    conn.deadline = Some(Instant::now() + HEAD_DEADLINE);
                }
                AfterRead::Park { until: conn.deadline }
            }
            // A refusal waits for the client to take it, so it is no work for the reactor.
            Ok(Some(_)) | Err(_) => AfterRead::Serve,
        }
    }

    fn expired(&self, _conn: &mut Connection) -> AfterRead {
        AfterRead::Close
    }

    fn serve(&self, conn: &mut Connection) -> AfterServe {
        conn.deadline = None;
        conn.scanned = 0;
        let len = match scan(conn.inbox.as_slice(), &mut conn.scanned, &self.limits) {
            Ok(Some(len)) => len,
            Ok(None) => return AfterServe::Close,
            Err(error) => return self.refuse(conn, &error),
        };
        conn.scanned = 0;
        let bytes = conn.inbox.take_front(len);
        let next = match parse(&bytes, &self.limits) {
            Ok(head) => self.answer(conn, &head),
            Err(error) => self.refuse(conn, &error),
        };
        Inbox::recycle(bytes);
        next
    }

    fn green_state(&self) -> Box<dyn GreenState> {
        GreenThreadState::new()
    }

    fn on_engine_thread(&self, body: &mut dyn FnMut()) {
        python::on_engine_thread(body);
    }

    fn take_lock(&self, until: &dyn Fn() -> bool) {
        python::take_lock(until);
    }

    fn blocked(&self, blocked: &Blocked) {
        stall::report(blocked, self.desk);
    }

    fn preemption_points(&self) -> Range<usize> {
        python::gil_addresses()
    }
}
