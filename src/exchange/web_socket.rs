//! A WebSocket while its request is served: messages in and out, for any number of threads.
//!
//! ```text
//!   who receives ─┐                        ┌─ who sends, a message whole each
//!                 ├─► Talk, under a lock ◄─┤
//!   the engine  ──┘   nothing waits there  └─ the clock (pings), the stop
//! ```
//!
//! The rule that a reader would break: the lock is held for moments, and never while anybody waits.
//! Calls that wait do so without the language's lock.

mod at_once;
mod awaited;
mod bells;
mod call;
mod closed;
mod ending;
mod left;
mod roused;
mod talk;
mod terms;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use unicoro_contract::{Interest, Stream, Upgraded, is_forked_child};

use self::talk::{TOOK_NOTHING, Talk};
use crate::websocket::close_code::{ABNORMAL, NORMAL};
use crate::websocket::{Close, Decoder, Deflater, Encoder, Framed, Inflater, Message, Parameters};

pub use self::call::{Call, Callbacks, NotLeft};
pub use self::closed::Closed;
pub use self::roused::Roused;
pub use self::talk::Outgoing;
pub use self::terms::Terms;

/// One connection.
pub struct WebSocket {
    // Weak: an application that keeps it must not keep the connection open.
    stream: Weak<Stream>,
    terms: Arc<Terms>,
    // By which each message is compressed, if by itself.
    apart: Option<Parameters>,
    talk: Mutex<Talk>,
    listener: Option<Listener>,
}

/// What is told of a connection on which somebody speaks who waits in no thread.
pub type Listener = Box<dyn Fn() + Send + Sync>;

/// Why there is no message.
#[derive(Debug, PartialEq, Eq)]
pub enum Unreceived {
    /// There will be none.
    Closed(Closed),
    /// None has come in time.
    TimedOut,
}

impl WebSocket {
    /// On a connection that was answered 101, of which `received` was sent already.
    pub fn new(
        stream: &Arc<Stream>,
        terms: &Arc<Terms>,
        agreed: Option<&Parameters>,
        received: &[u8],
    ) -> Self {
        let deflate = agreed.zip(terms.pool.as_ref());
        let inflater = deflate.map(|(parameters, pool)| Inflater::new(parameters, pool));
        let deflater = deflate.map(|(parameters, pool)| Deflater::new(parameters, pool));
        let decoder = Decoder::new(terms.longest, inflater);
        let talk = Talk::new(received, decoder, Encoder::new(deflater));
        let apart =
            agreed.filter(|agreed| terms.pool.is_some() && agreed.server_no_context_takeover);
        let (stream, terms) = (Arc::downgrade(stream), Arc::clone(terms));
        let talk = Mutex::new(talk);
        WebSocket { stream, terms, apart: apart.copied(), talk, listener: None }
    }

    /// How it has closed, if that is known.
    pub fn closed(&self) -> Option<Closed> {
        if is_forked_child() {
            return Some(Closed { code: ABNORMAL, reason: "it is the parent process's".into() });
        }
        self.talk().closed().cloned()
    }

    /// Whether its request is over.
    pub fn is_over(&self) -> bool {
        self.talk().is_over()
    }

    /// The next message; waits for it, for `timeout` at most. Between waits `on_step` is called. Of several that
    /// receive, each message comes to one.
    ///
    /// # Errors
    /// There is none.
    pub fn receive(
        &self,
        timeout: Option<Duration>,
        on_step: &dyn Fn(Instant),
    ) -> Result<Message, Unreceived> {
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut is_late = false;
        loop {
            let stream = self.stream().map_err(Unreceived::Closed)?;
            let seen = stream.stirs();
            let (message, closed, reads_on, is_for_others) = self.locked(&stream, |talk| {
                let message = talk.take(&stream, &self.terms);
                let closed = talk.closed().cloned();
                let is_for_others = talk.receivers > 0 && talk.has_more();
                talk.receivers += usize::from(message.is_none() && closed.is_none() && !is_late);
                (message, closed, talk.reads_on(&self.terms), is_for_others)
            });
            match (message, closed) {
                (Some(message), _) => {
                    // They may have looked before it came, and no event tells of it any more.
                    if is_for_others {
                        stream.stir();
                    }
                    return Ok(message);
                }
                (None, Some(closed)) => return Err(Unreceived::Closed(closed)),
                (None, None) if is_late => return Err(Unreceived::TimedOut),
                (None, None) => {}
            }
            // More has come than is read in a row: no event will tell of it.
            let goes_on = reads_on && stream.tells_upgraded() && stream.may_be_readable();
            let until_now = goes_on.then(Instant::now).or(until);
            // What has come is not read before the client has taken what it was sent.
            let interest = if reads_on { Interest::Read } else { Interest::Write };
            let waited = stream.wait_a_while(interest, until_now, seen);
            self.locked(&stream, |talk| {
                talk.receivers -= 1;
                match &waited {
                    Ok(true) if reads_on => stream.note_readable(false),
                    Ok(_) => {}
                    Err(error) => talk.lose(&error.to_string()),
                }
            });
            let now = Instant::now();
            is_late = until.is_some_and(|until| until <= now);
            on_step(now);
        }
    }

    /// Sends a message: waits until the client has taken so much that what is left may wait here.
    ///
    /// # Errors
    /// The connection is closed; or has to be now, because the client takes nothing.
    pub fn send(&self, outgoing: &Outgoing<'_>) -> Result<(), Closed> {
        let stream = self.stream()?;
        let room = if stream.tells_upgraded() { self.terms.queue } else { 0 };
        self.wait_for_room(&stream, room)?;
        self.put(&stream, outgoing)?;
        self.wait_for_room(&stream, room)
    }

    /// Sends a message, and keeps what the client does not take at once, however much waits already.
    ///
    /// # Errors
    /// The connection is closed.
    pub fn post(&self, outgoing: &Outgoing<'_>) -> Result<(), Closed> {
        self.put(&self.stream()?, outgoing)
    }

    /// Closes it, unless it is closed. Does not wait.
    pub fn close(&self, close: Close) {
        if let Some(stream) = self.own_stream() {
            self.locked(&stream, |talk| {
                talk.close(&stream, close);
                talk.forget_messages();
            });
        }
    }

    /// The server parts with it: what has come is still to be received. Whether it was open.
    pub fn dismiss(&self, close: Close) -> bool {
        let Some(stream) = self.own_stream() else { return false };
        self.locked(&stream, |talk| {
            let was_open = talk.closed().is_none();
            talk.close(&stream, close);
            was_open
        })
    }

    /// Its stream, if the engine does not tell of all that comes.
    pub fn untold_stream(&self) -> Option<Arc<Stream>> {
        self.own_stream().filter(|stream| !stream.tells_upgraded())
    }

    /// Looks after it, about once a second.
    pub fn tick(&self, now: Instant) {
        if let Some(stream) = self.own_stream() {
            let is_to_call = self.locked(&stream, |talk| {
                talk.tick(&stream, &self.terms, now);
                // Who has a listener was told.
                let is_parked = talk.is_left || talk.awaited.end.is_some();
                is_parked && self.listener.is_none() && talk.has_news()
            });
            if is_to_call {
                self.terms.roused.add(&stream);
            }
        }
    }

    /// Sends as much of a message as there is room for, and keeps the rest.
    fn put(&self, stream: &Arc<Stream>, outgoing: &Outgoing<'_>) -> Result<(), Closed> {
        // Compressed before the lock is taken: others receive and send meanwhile.
        let framed = self.frame_apart(outgoing);
        self.locked(stream, |talk| match talk.closed() {
            Some(closed) => Err(closed.clone()),
            None => {
                match &framed {
                    Some(framed) => talk.push(stream, framed.parts()),
                    None => talk.send(stream, outgoing),
                }
                Ok(())
            }
        })
    }

    /// The frame of a message that refers to no other; `None`: its frame depends on those before it, or need
    /// not be made.
    fn frame_apart<'d>(&self, outgoing: &Outgoing<'d>) -> Option<Framed<'d>> {
        let Outgoing::Message(data) = outgoing else { return None };
        let (parameters, pool) = self.apart.as_ref().zip(self.terms.pool.as_ref())?;
        Some(Encoder::new(Some(Deflater::new(parameters, pool))).message(*data))
    }

    /// Waits until no more than `room` bytes are to be sent, as long as the client may take nothing.
    fn wait_for_room(&self, stream: &Arc<Stream>, room: usize) -> Result<(), Closed> {
        loop {
            let seen = stream.stirs();
            let moved = self.locked(stream, |talk| {
                talk.flush(stream);
                if talk.unsent() <= room && !talk.is_lost() {
                    return Ok(None);
                }
                if let Some(closed) = talk.closed() {
                    return Err(closed.clone());
                }
                talk.senders += 1;
                Ok(Some(talk.moved()))
            })?;
            let Some(moved) = moved else { return Ok(()) };
            let until = self.terms.send_idle.map(|idle| moved + idle);
            let waited = stream.wait_a_while(Interest::Write, until, seen);
            self.locked(stream, |talk| {
                talk.senders -= 1;
                talk.flush(stream);
                let moved = self.terms.send_idle.map(|idle| talk.moved() + idle);
                if let Err(error) = waited {
                    talk.lose(&error.to_string());
                } else if talk.unsent() > 0 && moved.is_some_and(|until| until <= Instant::now()) {
                    talk.give_up(stream, TOOK_NOTHING);
                }
            });
        }
    }

    /// `None`: its request is over, or it is the parent's of this process, as is whoever has the lock.
    fn own_stream(&self) -> Option<Arc<Stream>> {
        if is_forked_child() { None } else { self.stream.upgrade() }
    }

    fn stream(&self) -> Result<Arc<Stream>, Closed> {
        self.own_stream().ok_or_else(|| self.how_it_ended())
    }

    /// How it has closed, if its request is over.
    fn how_it_ended(&self) -> Closed {
        let gone = || Closed { code: NORMAL, reason: "the request is over".into() };
        self.closed().unwrap_or_else(gone)
    }

    /// Runs `body` with the lock; if that brings what somebody waits for, or closes the connection, he is told; the
    /// engine too if it was left.
    fn locked<R>(&self, stream: &Arc<Stream>, body: impl FnOnce(&mut Talk) -> R) -> R {
        let mut talk = self.talk();
        let (was_open, did_read) = (talk.closed().is_none(), talk.reads_on(&self.terms));
        let was_over = talk.is_over();
        let result = body(&mut talk);
        let is_news = was_open && talk.closed().is_some();
        let has_ended = !was_over && talk.is_over();
        let is_awaited = talk.receivers + talk.senders > 0;
        // What came meanwhile is still to be read, and no event tells of it.
        let goes_on = !did_read && talk.reads_on(&self.terms);
        let is_for_engine = talk.is_left && (is_news || goes_on);
        let listener = self.listener.as_ref().filter(|_| talk.take_news(stream, &self.terms));
        talk.ring_bells(stream, &self.terms);
        drop(talk);
        if (is_news || has_ended) && is_awaited {
            stream.stir();
        }
        if is_for_engine {
            self.terms.roused.add(stream);
        }
        if let Some(tell) = listener {
            tell();
        }
        result
    }

    fn talk(&self) -> MutexGuard<'_, Talk> {
        self.talk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Upgraded for WebSocket {
    fn turn(&self) {
        if let Some(stream) = self.own_stream() {
            self.locked(&stream, |talk| talk.turn(&stream, &self.terms));
        }
    }

    fn awaits(&self) -> Interest {
        self.talk().awaits(&self.terms)
    }

    fn overdue(&self) {
        self.fail();
    }
}

#[cfg(test)]
mod tests;
