//! The handler: what an engine asks about bytes and requests is passed on to those who know.

use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use unicoro_contract::{
    AfterRead, AfterServe, Attention, Blocked, Connection, CurrentRequest, Deadlock, Handler,
    Hearing, Inbox, Language, Stop, StopState, Stream,
};

use super::desk::Desk;
use super::quota::Quota;
use super::rules::Rules;
use super::service::Service;
use super::stall;
use crate::config::Settings;
use crate::exchange::{Ending, Memory, Streams, WebSockets, end_overdue, grace, take_preface};
use crate::http::{HttpError, has_begun, is_whole, scan};
use crate::logging::AccessLog;
use crate::python::{self, Application, EventLoop, SignalHandlers};

/// Serves one application.
pub struct Server {
    service: &'static Service,
    interface: Interface,
    request_timeout: Duration,
    blocked_after: Option<Duration>,
    signals: SignalHandlers,
    stop: Arc<Stop>,
}

/// How the application is called.
pub enum Interface {
    /// In the thread that serves the request.
    Wsgi(Application),
    /// On the loop that is the engine's resident.
    Asgi(&'static EventLoop),
}

impl Server {
    /// A handler for `application`. On the main thread.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn new(
        settings: &Settings,
        interface: Interface,
        keeps_alive: bool,
        stop: Arc<Stop>,
        access: Option<AccessLog>,
        quota: Quota,
        desk: Desk,
    ) -> io::Result<Self> {
        let environ_names = access.as_ref().map(AccessLog::environ_names);
        let is_last = Box::new(move || desk.is_last());
        let sockets = Arc::new(WebSockets::new(settings, Arc::clone(&stop), is_last));
        Ok(Self {
            // For the life of the process: requests on a loop point there.
            service: Box::leak(Box::new(Service {
                rules: Rules::new(settings),
                streams: Streams::new(grace(settings), Arc::clone(&stop)),
                ending: Ending::new(settings, keeps_alive, Arc::clone(&stop)),
                environ_names: environ_names.unwrap_or_default(),
                access,
                quota,
                desk,
                sockets,
                request_timeout: settings.request_timeout,
            })),
            interface,
            request_timeout: settings.request_timeout.unwrap_or_default(),
            blocked_after: settings.blocked_after,
            signals: SignalHandlers::install()?,
            stop,
        })
    }

    /// Where the head at the start of a connection ends, as far as it has come. Looks for it once.
    fn find_head(&self, conn: &mut Connection) -> Result<Option<usize>, HttpError> {
        if conn.head.is_some() {
            return Ok(conn.head);
        }
        let rules = &self.service.rules;
        if !take_preface(conn, rules.proxy_versions, |peer| rules.is_trusted_proxy(peer))? {
            return Ok(None);
        }
        conn.head = scan(conn.inbox.as_slice(), &mut conn.scanned, &rules.limits)?;
        Ok(conn.head)
    }

    /// The head goes on, until the deadline that its first byte has set.
    fn park(&self, conn: &mut Connection) -> AfterRead {
        if conn.deadline.is_none() {
            let timeout = self.service.rules.head_timeout;
            conn.deadline = timeout.map(|timeout| Instant::now() + timeout);
        }
        AfterRead::Park { until: conn.deadline }
    }
}

impl Handler for Server {
    fn opened(&self, _conn: &Connection) -> Option<Instant> {
        self.service.rules.head_timeout.map(|timeout| Instant::now() + timeout)
    }

    fn read(&self, conn: &mut Connection) -> AfterRead {
        if conn.is_left {
            return Service::look(conn);
        }
        if let Some(next) = self.service.ending.sweep(conn) {
            return next;
        }
        match self.find_head(conn) {
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
        if conn.is_left {
            return false;
        }
        let rules = &self.service.rules;
        conn.stream.has_unsent() || !is_whole(conn.inbox.as_slice(), &rules.limits, &rules.leniency)
    }

    fn crowded(&self, is_crowded: bool) {
        self.service.ending.crowded(is_crowded);
    }

    fn tend(&self, now: Instant) {
        self.service.sockets.tend(now);
        self.service.streams.tend(now);
        if let Interface::Asgi(event_loop) = self.interface
            && self.service.ending.is_due()
        {
            event_loop.ends(now);
        }
    }

    fn roused(&self) -> Vec<Arc<Stream>> {
        self.service.sockets.roused()
    }

    fn serve(&self, conn: &mut Connection) -> AfterServe {
        if conn.is_left {
            return self.service.call(conn);
        }
        // The engine has scanned it, as far as it had come.
        conn.scanned = 0;
        match conn.stream.send_unsent() {
            Ok(_) if conn.is_parting => return AfterServe::Close,
            Ok(false) => {}
            // It was for the end of the last answer alone.
            Ok(true) if conn.inbox.is_empty() => return self.service.ending.rest(conn),
            // What has come is looked at where it is parked.
            Ok(true) if self.has_resident() => return AfterServe::Park { until: None },
            Ok(true) => match self.read(conn) {
                AfterRead::Serve => {}
                AfterRead::Park { until } => return AfterServe::Park { until },
                AfterRead::Close => return AfterServe::Close,
            },
            Err(error) => {
                log::info!("a client has not taken the end of its answer: {error}");
                return AfterServe::Close;
            }
        }
        conn.deadline = None;
        conn.is_kept = false;
        conn.scanned = 0;
        let service = self.service;
        let len = match self.find_head(conn) {
            Ok(Some(len)) => len,
            // The deadline has passed.
            Ok(None) => return service.refuse(conn, None, &HttpError::head_timeout()),
            Err(error) => return service.refuse(conn, None, &error),
        };
        (conn.scanned, conn.head) = (0, None);
        let mut bytes = conn.inbox.take_front(len);
        let loosened = service.rules.loosen(&mut bytes);
        let next = match loosened.and_then(|()| service.rules.parse(&bytes)) {
            Ok(mut head) => match service.rules.admit(&mut head, &conn.peer) {
                Ok(admission) => match &self.interface {
                    Interface::Wsgi(application) => {
                        Some(service.answer(conn, &head, &admission, application))
                    }
                    Interface::Asgi(_) => None,
                },
                Err(error) => Some(service.refuse(conn, Some(&head), &error)),
            },
            Err(error) => Some(service.refuse(conn, None, &error)),
        };
        let Some(next) = next else {
            // It is the loop's after all, which is handed it from where it is parked.
            conn.head = Some(bytes.len());
            conn.inbox.put_back(bytes);
            return AfterServe::Park { until: None };
        };
        Inbox::recycle(bytes);
        next
    }

    fn has_resident(&self) -> bool {
        matches!(self.interface, Interface::Asgi(_))
    }

    fn hand_over(&self, conn: Box<Connection>) -> Result<(), Box<Connection>> {
        match self.interface {
            // No head: it is to be refused.
            Interface::Asgi(event_loop) if conn.head.is_some() => {
                // Nothing may leave before what was held, or in its middle.
                conn.stream.let_go();
                if conn.stream.has_unsent() {
                    return Err(conn);
                }
                event_loop.take(conn);
                Ok(())
            }
            _ => Err(conn),
        }
    }

    fn ready(&self, number: u64) {
        if let Interface::Asgi(event_loop) = self.interface {
            event_loop.ready(number);
        }
    }

    fn reside(&self) {
        if let Interface::Asgi(event_loop) = self.interface {
            event_loop.live(self.service);
        }
    }

    fn dismiss(&self, quits: bool) {
        if let Interface::Asgi(event_loop) = self.interface {
            event_loop.dismiss(quits);
        }
    }

    fn take_lock(&self, until: &dyn Fn() -> bool, otherwise: &dyn Fn()) {
        python::take_lock(until, otherwise);
    }

    fn overdue(&self, request: Option<&CurrentRequest>, stream: &Stream) {
        let line = request.map_or("a request", |request| request.line.as_str());
        end_overdue(stream, line, self.request_timeout);
    }

    fn interrupt_computing(&self) {
        python::interrupt_computing();
    }

    fn overdue_ended(&self, identity: usize) {
        python::forgive(identity);
    }

    fn blocked(&self, blocked: &Blocked) {
        stall::report(blocked, self.service.desk);
    }

    fn deadlocked(&self, deadlock: &Deadlock) {
        stall::report_deadlock(deadlock);
    }

    fn main_thread_pause(&self, at_most: Duration) {
        self.signals.wait(at_most);
    }

    fn main_thread_turn(&self) {
        // After a signal that stops the worker this is under way.
        if self.signals.run() && !self.service.ending.is_due() {
            self.service.quota.left();
            self.stop.ask(StopState::Draining);
        }
        python::make_pending_calls();
        if let (Interface::Asgi(event_loop), Some(after)) = (&self.interface, self.blocked_after)
            && let Some((standstill, stack)) = event_loop.standstill(after)
        {
            stall::report_loop(&standstill, stack);
        }
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
        python::keep_pending_calls();
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

    fn listens(&self, code: usize) -> Option<Attention> {
        python::listener(code)
    }

    fn hears(&self, code: usize) -> Hearing {
        python::hearing(code)
    }

    fn interrupt(&self, listener: Attention) {
        python::interrupt_listener(listener);
    }

    fn set_computing(&self, identity: usize, is_computing: bool) {
        python::set_computing(identity, is_computing);
    }

    fn after_request(&self) {
        python::after_request();
    }
}
