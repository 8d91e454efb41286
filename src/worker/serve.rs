//! The handler: what an engine asks about bytes and requests, answered in HTTP and WSGI.

use std::io::{self, IoSlice};
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use unicoro_contract::{
    AfterRead, AfterServe, Blocked, Connection, CurrentRequest, Deadlock, Handler, Inbox, Language,
    Listener, Stop, Stream,
};

use crate::config::Settings;
use crate::http::{
    BodyDecoder, Framing, Head, HttpError, Preface, RequestFacts, below, has_begun, is_whole,
    parse_lenient, preface, refusal, scan,
};
use crate::logging::{AccessLog, divert};
use crate::python::{self, Application, Fields, Place, Reader, Request, SignalHandlers};

use super::access::{self, Answered};
use super::clock::date;
use super::desk::Desk;
use super::ending::Ending;
use super::memory::Memory;
use super::quota::Quota;
use super::rules::Rules;
use super::stall;

/// Serves one application.
pub struct Server {
    application: Application,
    rules: Rules,
    ending: Ending,
    access: Option<AccessLog>,
    environ_names: Vec<String>,
    quota: Quota,
    desk: Desk,
    request_timeout: Option<Duration>,
    signals: SignalHandlers,
}

impl Server {
    /// A handler for `application`. On the main thread.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn new(
        settings: &Settings,
        application: Application,
        keeps_alive: bool,
        stop: Arc<Stop>,
        access: Option<AccessLog>,
        quota: Quota,
        desk: Desk,
    ) -> io::Result<Self> {
        let rules = Rules::new(settings);
        let environ_names = access.as_ref().map(AccessLog::environ_names);
        let environ_names = environ_names.unwrap_or_default();
        Ok(Self {
            application,
            rules,
            ending: Ending::new(settings, keeps_alive, stop),
            access,
            environ_names,
            quota,
            desk,
            request_timeout: settings.request_timeout,
            signals: SignalHandlers::install()?,
        })
    }

    /// Takes a PROXY header off the start of a connection, once. False: more must come first.
    fn take_preface(&self, conn: &mut Connection) -> Result<bool, HttpError> {
        let versions = self.rules.proxy_versions;
        if !versions.any() || Memory::of(conn).is_some_and(|memory| memory.is_prefaced) {
            return Ok(true);
        }
        let proxy = match preface(conn.inbox.as_slice(), versions)? {
            Preface::Partial => return Ok(false),
            Preface::Absent => None,
            Preface::Header { .. } if !self.rules.is_trusted_proxy(&conn.peer) => {
                return Err(HttpError::proxy_forbidden());
            }
            Preface::Header { len, header } => {
                conn.inbox.consume(len);
                Some(header)
            }
        };
        let memory = Memory::of_mut(conn);
        memory.is_prefaced = true;
        memory.proxy = proxy;
        Ok(true)
    }

    /// A request that breaks the rules: answered, logged, closed.
    fn refuse(
        &self,
        conn: &mut Connection,
        head: Option<&Head<'_>>,
        error: &HttpError,
    ) -> AfterServe {
        let client = Memory::client(conn);
        // What is not the client's fault is the set-up's.
        let level = if error.status == 500 { log::Level::Error } else { log::Level::Info };
        log::log!(level, "refused a request of {}: {error}", shown(&client));
        let is_head = head.is_some_and(|head| head.method == "HEAD");
        let answer = refusal(error.status, &error.detail, &date(), is_head);
        let parts = &mut [IoSlice::new(&answer)];
        let is_sent = conn.stream.send_all(parts, &self.rules.response).is_ok();
        let is_logged = divert::takes_accesses();
        if is_logged {
            python::log_refusal(&client, head, error.status);
        }
        if let Some(log) = &self.access {
            access::write(
                log,
                &Answered {
                    peer: &client,
                    head,
                    status: error.status,
                    body_sent: 0,
                    fields: &Fields::default(),
                    environ: &[],
                    duration: Duration::ZERO,
                    is_logged,
                },
            );
        }
        // A client that was too slow has nothing under way that could reset the connection.
        if is_sent && error.status != 408 { self.ending.part(conn) } else { AfterServe::Close }
    }

    /// Judges what `parse` leaves to the settings, and answers.
    fn admit(&self, conn: &mut Connection, mut head: Head<'_>) -> AfterServe {
        let is_trusted = self.rules.is_trusted_forwarder(&conn.peer);
        let forwarded = match self.rules.forwarding.apply(&mut head, is_trusted) {
            Ok(forwarded) => forwarded,
            Err(error) => return self.refuse(conn, Some(&head), &error),
        };
        let longest = self.rules.body.longest;
        if matches!(head.framing, Framing::Length(length) if length > longest) {
            return self.refuse(conn, Some(&head), &HttpError::body_too_long(longest));
        }
        let script_name = forwarded.script_name.map(String::from_utf8_lossy);
        let script_name = script_name.as_deref().unwrap_or(&self.rules.script_name);
        let path = match below(head.target.path, script_name) {
            Ok(path) => path,
            Err(error) => return self.refuse(conn, Some(&head), &error),
        };
        let client = Memory::client(conn);
        let proxy = Memory::of(conn).and_then(|memory| memory.proxy);
        let local = conn.local.clone();
        let place = Place {
            client: &client,
            local: &local,
            proxy: proxy.as_ref(),
            is_https: forwarded.is_https,
            script_name: script_name.trim_end_matches('/'),
            path,
        };
        self.answer(conn, &head, place)
    }

    fn answer(&self, conn: &mut Connection, head: &Head<'_>, place: Place<'_>) -> AfterServe {
        let began = Instant::now();
        conn.stream.expect_response();
        let in_progress = self.desk.begin(format!("{} {}", head.method, head.target.raw));
        let client = place.client;
        // At the end of the worker the last one says close, of those that have come already.
        let has_next = head.framing == Framing::Empty && !conn.inbox.is_empty();
        let keep_alive = head.keep_alive && self.ending.can_keep(conn, has_next);
        let facts =
            RequestFacts { version: head.version, is_head: head.method == "HEAD", keep_alive };
        // Without a body too: an application that takes the socket wants all that has come.
        let has_rest = head.framing != Framing::Empty || !conn.inbox.is_empty();
        let reader = has_rest.then(|| {
            let inbox = std::mem::take(&mut conn.inbox);
            let decoder = BodyDecoder::new(head.framing);
            let stream = Arc::clone(&conn.stream);
            Reader::new(stream, inbox, decoder, head.expects_continue, self.rules.body)
        });
        let mut outcome = self.application.call(Request {
            head,
            place,
            stream: &conn.stream,
            reader,
            facts,
            began,
            date: date(),
            tempo: &self.rules.response,
            environ_names: &self.environ_names,
        });
        outcome.send_rest(&conn.stream, &self.rules.response);
        drop(in_progress);
        self.quota.use_one();
        if outcome.ends_worker {
            self.quota.cancelled();
        }
        if let Some(log) = &self.access {
            access::write(
                log,
                &Answered {
                    peer: client,
                    head: Some(head),
                    status: outcome.status,
                    body_sent: outcome.body_sent,
                    fields: &outcome.fields,
                    environ: &outcome.environ,
                    duration: began.elapsed(),
                    is_logged: outcome.is_logged,
                },
            );
        }
        conn.served += 1;
        self.ending.after(conn, outcome, has_rest)
    }

    /// The head goes on, until the deadline that its first byte has set.
    fn park(&self, conn: &mut Connection) -> AfterRead {
        if conn.deadline.is_none() {
            conn.deadline = self.rules.head_timeout.map(|timeout| Instant::now() + timeout);
        }
        AfterRead::Park { until: conn.deadline }
    }
}

fn shown(client: &unicoro_contract::Address) -> String {
    match client {
        unicoro_contract::Address::Ip(address) => address.to_string(),
        unicoro_contract::Address::Unix(_) => "a unix socket".into(),
    }
}

impl Handler for Server {
    fn opened(&self, _conn: &Connection) -> Option<Instant> {
        self.rules.head_timeout.map(|timeout| Instant::now() + timeout)
    }

    fn read(&self, conn: &mut Connection) -> AfterRead {
        if let Some(next) = self.ending.sweep(conn) {
            return next;
        }
        match self.take_preface(conn) {
            Ok(true) => {}
            Ok(false) => return self.park(conn),
            Err(_) => return AfterRead::Serve,
        }
        match scan(conn.inbox.as_slice(), &mut conn.scanned, &self.rules.limits) {
            Ok(None) => self.park(conn),
            // A refusal waits for the client to take it, so it is no work for the reactor.
            Ok(Some(_)) | Err(_) => AfterRead::Serve,
        }
    }

    fn expired(&self, conn: &mut Connection) -> AfterRead {
        if Memory::take_leftover(conn).is_some() {
            return AfterRead::Close;
        }
        // An idle connection is owed nothing, a head that has begun its 408.
        if has_begun(conn.inbox.as_slice()) { AfterRead::Serve } else { AfterRead::Close }
    }

    fn would_wait(&self, conn: &Connection) -> bool {
        !is_whole(conn.inbox.as_slice(), &self.rules.limits, &self.rules.leniency)
    }

    fn crowded(&self, is_crowded: bool) {
        self.ending.crowded(is_crowded);
    }

    fn serve(&self, conn: &mut Connection) -> AfterServe {
        conn.deadline = None;
        conn.is_kept = false;
        conn.scanned = 0;
        let limits = &self.rules.limits;
        let found = self.take_preface(conn).and_then(|is_whole| {
            if is_whole { scan(conn.inbox.as_slice(), &mut conn.scanned, limits) } else { Ok(None) }
        });
        let len = match found {
            Ok(Some(len)) => len,
            // The deadline has passed.
            Ok(None) => return self.refuse(conn, None, &HttpError::head_timeout()),
            Err(error) => return self.refuse(conn, None, &error),
        };
        conn.scanned = 0;
        let mut bytes = conn.inbox.take_front(len);
        let leniency = &self.rules.leniency;
        let loosened =
            if leniency.rewrites() { leniency.loosen(&mut bytes, limits) } else { Ok(()) };
        let next = match loosened.and_then(|()| parse_lenient(&bytes, limits, leniency)) {
            Ok(head) => self.admit(conn, head),
            Err(error) => self.refuse(conn, None, &error),
        };
        Inbox::recycle(bytes);
        next
    }

    fn take_lock(&self, until: &dyn Fn() -> bool, otherwise: &dyn Fn()) {
        python::take_lock(until, otherwise);
    }

    fn overdue(&self, request: Option<&CurrentRequest>, stream: &Stream) {
        let line = request.map_or("a request", |request| request.line.as_str());
        let timeout = self.request_timeout.unwrap_or_default().as_secs_f64();
        if stream.take_response() {
            log::warn!("{line} has exceeded request_timeout ({timeout} s): answered 504");
            stream.part(&refusal(504, "", &date(), false));
        } else {
            log::warn!("{line} has exceeded request_timeout ({timeout} s) in its response: closed");
            stream.part(b"");
        }
    }

    fn interrupt_computing(&self) {
        python::interrupt_computing();
    }

    fn overdue_ended(&self, identity: usize) {
        python::forgive(identity);
    }

    fn blocked(&self, blocked: &Blocked) {
        stall::report(blocked, self.desk);
    }

    fn deadlocked(&self, deadlock: &Deadlock) {
        stall::report_deadlock(deadlock);
    }

    fn main_thread_pause(&self, at_most: Duration) {
        self.signals.wait(at_most);
    }

    fn main_thread_turn(&self) {
        self.signals.run();
        python::make_pending_calls();
    }

    fn turn_is_due(&self) -> Option<BorrowedFd<'_>> {
        Some(self.signals.as_fd())
    }

    fn stir(&self) {
        python::stir();
    }

    fn preemption_points(&self) -> Range<usize> {
        python::gil_addresses()
    }
}

impl Language for Server {
    fn on_engine_thread(&self, body: &mut dyn FnMut()) {
        python::on_engine_thread(body);
    }

    fn on_green_thread(&self, body: &mut dyn FnMut()) -> io::Result<()> {
        python::on_green_thread(body)
    }

    fn may_park(&self) -> bool {
        python::may_park()
    }

    fn may_keep_lock(&self) -> bool {
        python::may_keep_lock()
    }

    fn listens(&self, code: usize) -> Option<Listener> {
        python::listener(code)
    }

    fn interrupt(&self, listener: Listener) {
        python::interrupt_listener(listener);
    }

    fn set_computing(&self, identity: usize, is_computing: bool) {
        python::set_computing(identity, is_computing);
    }

    fn after_request(&self) {
        python::after_request();
    }
}
