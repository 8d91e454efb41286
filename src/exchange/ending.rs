//! What becomes of a connection after an answer: it is kept, swept clean, or closed so that the
//! client can read what it was sent.
//!
//! The rule that a reader would break: a connection is kept only if it is known where the next
//! request begins.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use unicoro_contract::{AfterRead, AfterServe, Connection, Stop, StopState};

use super::fate::Fate;
use super::leftover::{Leftover, Swept, linger};
use super::memory::Memory;
use super::unread::Unread;
use crate::config::Settings;

/// How connections end, by the settings.
pub struct Ending {
    keepalive: Option<Duration>,
    pipelined: u64,
    unread_body: usize,
    body_idle: Option<Duration>,
    stop: Arc<Stop>,
    /// Clients wait for room.
    is_crowded: AtomicBool,
}

impl Ending {
    /// With the settings' time-outs; nothing is kept unless `keeps_alive`, nor after `stop`.
    pub fn new(settings: &Settings, keeps_alive: bool, stop: Arc<Stop>) -> Self {
        Self {
            keepalive: Some(settings.keepalive).filter(|idle| keeps_alive && !idle.is_zero()),
            pipelined: settings.requests.limit_pipelined_requests.unwrap_or(u64::MAX),
            unread_body: settings.requests.limit_unread_body,
            body_idle: settings.requests.client_body_timeout,
            stop,
            is_crowded: AtomicBool::new(false),
        }
    }

    /// Whether the worker was asked to end.
    pub fn is_due(&self) -> bool {
        self.stop.state() != StopState::Running
    }

    /// Clients wait for room, or do so no more: nobody is kept meanwhile, as at the end of a worker.
    pub fn crowded(&self, is_crowded: bool) {
        self.is_crowded.store(is_crowded, Ordering::Relaxed);
    }

    /// Whether another request may follow the one that begins; with `has_next`, one has come.
    pub fn can_keep(&self, conn: &Connection, has_next: bool) -> bool {
        self.keepalive.is_some()
            && Memory::of(conn).is_none_or(|memory| memory.in_a_row < self.pipelined)
            && (has_next
                || self.stop.state() == StopState::Running
                    && !self.is_crowded.load(Ordering::Relaxed))
    }

    /// What the engine does with the connection after a request on it. May wait for the client.
    pub fn after(&self, conn: &mut Connection, fate: Fate, unread: Unread) -> AfterServe {
        self.after_request(conn, fate, unread, true)
    }

    /// The same without a wait, where no answer is held of whose request more is to come.
    pub fn after_at_once(&self, conn: &mut Connection, fate: Fate, unread: Unread) -> AfterServe {
        self.after_request(conn, fate, unread, false)
    }

    fn after_request(
        &self,
        conn: &mut Connection,
        fate: Fate,
        unread: Unread,
        may_wait: bool,
    ) -> AfterServe {
        // A socket that the application has taken is shared with it: no shutdown(2).
        if matches!(fate, Fate::Dropped | Fate::HandedOver) {
            return AfterServe::Close;
        }
        let is_kept = fate == Fate::Kept;
        let is_whole = match unread {
            Unread::Nothing => true,
            Unread::Unknown => false,
            Unread::Behind(reader) => {
                let is_done = reader.is_done();
                // A client that waits for "100 Continue" sends the body only if it feels like it.
                let comes = reader.failure().is_none() && !reader.owes_continue();
                let allowance = usize::try_from(reader.allowance()).unwrap_or(usize::MAX);
                let (inbox, decoder) = reader.into_parts();
                conn.inbox = inbox;
                if is_kept && comes && !is_done {
                    // The rest may be such that nothing can be sent any more.
                    if conn.stream.send_unsent().is_err() {
                        return AfterServe::Close;
                    }
                    let budget = self.unread_body.min(allowance);
                    let until = self.body_idle.map(|idle| Instant::now() + idle);
                    return self.leave(conn, Leftover::body(decoder, budget, until));
                }
                is_done
            }
        };
        if is_kept && is_whole {
            return self.rest(conn);
        }
        // An answer that was held may not have left as a whole.
        if conn.stream.send_unsent().is_err() || is_whole && conn.inbox.is_empty() {
            return AfterServe::Close;
        }
        self.part(conn, may_wait)
    }

    /// The client has its answer, and its connection waits for the next request.
    pub fn rest(&self, conn: &mut Connection) -> AfterServe {
        AfterServe::Park { until: self.keep(conn) }
    }

    /// The connection waits for its next request; until when.
    fn keep(&self, conn: &mut Connection) -> Option<Instant> {
        conn.is_kept = true;
        if !conn.inbox.is_empty() {
            Memory::of_mut(conn).in_a_row += 1;
        } else if Memory::of(conn).is_some() {
            Memory::of_mut(conn).in_a_row = 0;
        }
        self.keepalive.map(|idle| Instant::now() + idle)
    }

    /// Closes a connection on which the client may be sending: it has its answer, and must be able
    /// to read it.
    fn part(&self, conn: &mut Connection, may_wait: bool) -> AfterServe {
        conn.stream.finish_sending();
        if self.stop.state() == StopState::Running || !may_wait {
            return self.leave(conn, Leftover::anything());
        }
        linger(&conn.stream, &mut conn.inbox);
        AfterServe::Close
    }

    /// Throws away what has come, and leaves the rest to whoever watches idle connections.
    fn leave(&self, conn: &mut Connection, leftover: Leftover) -> AfterServe {
        Memory::of_mut(conn).leftover = Some(leftover);
        match self.sweep(conn) {
            Some(AfterRead::Park { until }) => AfterServe::Park { until },
            Some(AfterRead::Close) => AfterServe::Close,
            // The engine looks at what is there before it parks.
            Some(AfterRead::Serve) | None => AfterServe::Park { until: None },
        }
    }

    /// Throws away what a client still sends after its answer. `None`: it is through, and the next
    /// request has begun.
    pub fn sweep(&self, conn: &mut Connection) -> Option<AfterRead> {
        let mut leftover = Memory::take_leftover(conn)?;
        match leftover.sweep(&mut conn.inbox) {
            Swept::More => {}
            Swept::All => {
                let until = self.keep(conn);
                return conn.inbox.is_empty().then_some(AfterRead::Park { until });
            }
            Swept::Spoilt => {
                conn.stream.finish_sending();
                leftover = Leftover::anything();
            }
            Swept::Enough => return Some(AfterRead::Close),
        }
        let until = leftover.until;
        Memory::of_mut(conn).leftover = Some(leftover);
        Some(AfterRead::Park { until })
    }
}
