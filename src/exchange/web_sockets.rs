//! The WebSockets of a worker: what they are spoken on with, who looks after them, and their end with the
//! worker's.
//!
//! ```text
//!   a stop ─────────────────────► 1001 to all, at once
//!   the worker is replaced ──┬──► those that end by themselves
//!                            └ grace ► 1001 to the others
//! ```

use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use unicoro_contract::{Stop, StopState, Stream, is_forked_child};
use unicoro_sys::poll::{is_ready, poll, readable};

use super::grace::grace;
use super::web_socket::{Listener, Roused, Terms, WebSocket};
use crate::config::{Settings, WebSocketCompression};
use crate::websocket::close_code::GOING_AWAY;
use crate::websocket::{Close, Parameters, Policy, Pool};

/// All of a worker.
pub struct WebSockets {
    terms: Arc<Terms>,
    grace: Duration,
    stop: Arc<Stop>,
    /// Whether the whole server stops, and this worker is not only replaced.
    is_last: Box<dyn Fn() -> bool + Send + Sync>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    sockets: Vec<Weak<WebSocket>>,
    /// When they were looked after last.
    tended: Option<Instant>,
    /// Since when the worker ends.
    ending: Option<Instant>,
    /// They were told to go.
    is_dismissed: bool,
}

impl WebSockets {
    /// By the settings; `is_last` says whether the server stops for good.
    pub fn new(
        settings: &Settings,
        stop: Arc<Stop>,
        is_last: Box<dyn Fn() -> bool + Send + Sync>,
    ) -> Self {
        let of = &settings.websockets;
        let policy = |takeover| Policy {
            server_context_takeover: takeover,
            client_context_takeover: takeover,
            ..Policy::default()
        };
        let policy = match of.compression {
            WebSocketCompression::Off => None,
            WebSocketCompression::Message => Some(policy(false)),
            WebSocketCompression::Context => Some(policy(true)),
        };
        Self {
            terms: Arc::new(Terms {
                longest: of.max_message_size,
                queue: of.queue,
                pool: policy.map(|policy| Arc::new(Pool::new(policy))),
                ping_interval: of.ping_interval,
                ping_timeout: of.ping_timeout,
                send_idle: settings.requests.client_send_timeout,
                roused: Roused::new(Arc::clone(&stop)),
            }),
            grace: grace(settings),
            stop,
            is_last,
            open: Mutex::default(),
        }
    }

    /// How messages are compressed, if they are.
    pub fn pool(&self) -> Option<&Arc<Pool>> {
        self.terms.pool.as_ref()
    }

    /// A connection was upgraded. `None`: it was before.
    pub fn open(
        &self,
        stream: &Arc<Stream>,
        agreed: Option<&Parameters>,
        received: &[u8],
    ) -> Option<Arc<WebSocket>> {
        self.admit(stream, WebSocket::new(stream, &self.terms, agreed, received))
    }

    /// The same for who waits in no thread: `listener` is told instead, and `owed` is sent before all else.
    pub fn open_with_listener(
        &self,
        stream: &Arc<Stream>,
        agreed: Option<&Parameters>,
        received: &[u8],
        listener: Listener,
        owed: &[u8],
    ) -> Option<Arc<WebSocket>> {
        let socket = WebSocket::new(stream, &self.terms, agreed, received);
        self.admit(stream, socket.with_listener(listener, owed))
    }

    fn admit(&self, stream: &Arc<Stream>, socket: WebSocket) -> Option<Arc<WebSocket>> {
        let socket = Arc::new(socket);
        if !stream.upgrade(socket.clone()) {
            return None;
        }
        let mut open = self.lock();
        open.sockets.push(Arc::downgrade(&socket));
        if open.is_dismissed {
            dismiss(&socket);
        }
        Some(socket)
    }

    /// Those that were left, and for which there is something to do that no event tells of.
    pub fn roused(&self) -> Vec<Arc<Stream>> {
        self.terms.roused.take()
    }

    /// Looks after all, once a second, and when the worker begins to end. Never waits.
    pub fn tend(&self, now: Instant) {
        if is_forked_child() {
            return;
        }
        let mut open = self.lock();
        if open.sockets.is_empty() {
            return;
        }
        let begins_to_end = open.ending.is_none() && self.stop.state() != StopState::Running;
        let is_due = open.tended.is_none_or(|at| now.saturating_duration_since(at) >= INTERVAL);
        if !is_due && !begins_to_end {
            return;
        }
        open.tended = Some(now);
        open.sockets.retain(|socket| socket.upgrade().is_some_and(|socket| !socket.is_over()));
        if self.stop.state() != StopState::Running {
            self.part(&mut open, now);
        }
        let sockets: Vec<_> = open.sockets.iter().filter_map(Weak::upgrade).collect();
        drop(open);
        note_what_has_come(&sockets);
        sockets.iter().for_each(|socket| socket.tick(now));
    }

    /// The worker ends.
    fn part(&self, open: &mut Open, now: Instant) {
        let is_last = (self.is_last)();
        let sockets = open.sockets.iter().filter_map(Weak::upgrade);
        let count = sockets.filter(|socket| socket.closed().is_none()).count();
        if open.ending.is_none() && count > 0 && !is_last && !self.grace.is_zero() {
            let grace = self.grace.as_secs_f64();
            let (are, they) = if count == 1 { (" is", "it") } else { ("s are", "they") };
            log::info!("{count} WebSocket{are} open; {they} may go on for {grace} s");
        }
        let since = *open.ending.get_or_insert(now);
        let has_passed = is_last || now.saturating_duration_since(since) >= self.grace;
        if !has_passed || std::mem::replace(&mut open.is_dismissed, true) {
            return;
        }
        let sockets = open.sockets.iter().filter_map(Weak::upgrade);
        let told = sockets.filter(|socket| dismiss(socket)).count();
        if told > 0 {
            let are = if told == 1 { " is" } else { "s are" };
            log::info!("{told} WebSocket{are} closed with {GOING_AWAY}: the worker ends");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the engine does not tell of all that comes, it is asked for at once: one poll(2) for all of them instead of
/// a recv(2) for each.
fn note_what_has_come(sockets: &[Arc<WebSocket>]) {
    let streams = sockets.iter().filter_map(|socket| socket.untold_stream());
    let streams: Vec<Arc<Stream>> = streams.collect();
    let mut entries: Vec<_> = streams.iter().map(|stream| readable(stream.as_fd())).collect();
    // Fails for want of memory only: they are asked again in a second.
    if entries.is_empty() || poll(&mut entries, Some(Duration::ZERO)).is_err() {
        return;
    }
    for (entry, stream) in entries.iter().zip(&streams) {
        if is_ready(entry) {
            stream.note_readable(false);
        }
    }
}

/// Whether it was open.
fn dismiss(socket: &WebSocket) -> bool {
    Close::new(GOING_AWAY, "").is_ok_and(|close| socket.dismiss(close))
}

/// How often they are looked after.
const INTERVAL: Duration = Duration::from_secs(1);
