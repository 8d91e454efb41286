//! The parking lot: every client connection, parked or in service.
//!
//! A parked connection is a small struct here: no stack, no thread state, no buffer. One in service
//! is owned by a green worker; its place only remembers how to reach it. A place has a generation,
//! so that an event for a connection that is gone never hits its successor. `W` is how to wake who
//! waits for the socket of a connection in service.

use std::cmp::Reverse;
use std::ptr;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use unicoro_contract::{Connection, Interest, Stream, room};

use crate::epoll::Ready;
use crate::timers::TimerKey;

enum State {
    Free,
    Parked { connection: Box<Connection>, until: Option<Instant> },
    // Weak: whoever serves it closes it when done, on whatever thread.
    InService { stream: Weak<Stream> },
}

/// Who waits for a stream: of an upgraded one there may be several.
struct Waiters<W> {
    first: Option<(W, Interest)>,
    others: Vec<(W, Interest)>,
}

struct Place<W> {
    generation: u16,
    state: State,
    waiters: Waiters<W>,
    // Since when there has been no request in progress, if there is none.
    idle_since: Instant,
    // Whether its client has stayed after an answer, or was upgraded.
    is_kept: bool,
    // Whether it was left, and is parked between messages.
    is_left: bool,
    // At most one: a deadline that has moved on is looked at when the old one fires.
    timer: Option<TimerKey>,
}

impl<W> Default for Waiters<W> {
    fn default() -> Self {
        Self { first: None, others: Vec::new() }
    }
}

impl<W: Copy> Waiters<W> {
    /// Wakes those who wait for what an event tells of; whether one of them waits for bytes.
    fn wake(&mut self, ready: Ready, mut wake: impl FnMut(W)) -> bool {
        let mut is_read = false;
        let mut answers = |(who, interest): &(W, Interest)| {
            let wakes = match interest {
                Interest::Read => ready.read,
                Interest::Write => ready.write,
                Interest::Either => ready.read || ready.write,
            };
            if wakes {
                is_read |= *interest != Interest::Write;
                wake(*who);
            }
            wakes
        };
        self.first.take_if(|first| answers(first));
        self.others.retain(|other| !answers(other));
        is_read
    }
}

/// What an event was for.
pub enum Heard {
    /// This connection, which was parked.
    Parked(Box<Connection>),
    /// This one, which was upgraded, and for whose bytes nobody waits.
    Upgraded(Arc<Stream>),
    /// Nobody, or those that were woken.
    Nobody,
}

/// All connections of a worker.
pub struct Lot<W> {
    places: Vec<Place<W>>,
    free: Vec<usize>,
    connected: usize,
    kept: usize,
    // Of the last eight clients of whom it was seen, a bit each: whether they stayed.
    stayed: u8,
}

/// What an expired timer of a place means.
pub enum Expiry {
    /// The deadline of the parked connection has passed; here it is.
    Passed(Box<Connection>),
    /// It has moved on to this.
    Later(Instant),
    /// Nobody waits for it any more.
    Void,
}

impl<W> Default for Lot<W> {
    fn default() -> Self {
        Self { places: Vec::new(), free: Vec::new(), connected: 0, kept: 0, stayed: u8::MAX }
    }
}

impl<W: Copy> Lot<W> {
    /// How many clients are connected.
    pub fn connected(&self) -> usize {
        self.connected
    }

    /// How many clients are here to stay: those that had an answer and are here still, those that were upgraded,
    /// and the new ones too, if most have stayed lately.
    pub fn staying(&self) -> usize {
        let most_stay = self.stayed.count_ones() > u8::BITS / 2;
        if most_stay { self.connected } else { self.kept }
    }

    /// A client stays after an answer, or was upgraded; whether that is new of him.
    pub fn keep(&mut self, index: usize) -> bool {
        if std::mem::replace(&mut self.places[index].is_kept, true) {
            return false;
        }
        self.kept += 1;
        self.stayed = self.stayed << 1 | 1;
        true
    }

    /// A connection was left; the generation of its place, the first time.
    pub fn leave(&mut self, index: usize) -> Option<u16> {
        let place = &mut self.places[index];
        (!std::mem::replace(&mut place.is_left, true)).then_some(place.generation)
    }

    /// How many places there are, free ones too.
    pub fn places(&self) -> usize {
        self.places.len()
    }

    /// The place for a connection that comes `now`, with its generation.
    pub fn reserve(&mut self, now: Instant) -> (usize, u16) {
        self.connected += 1;
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place {
                generation: 0,
                state: State::Free,
                waiters: Waiters::default(),
                idle_since: now,
                is_kept: false,
                is_left: false,
                timer: None,
            });
            self.places.len() - 1
        });
        self.places[index].idle_since = now;
        (index, self.places[index].generation)
    }

    /// Gives a place up; its timer, if it has one, is to be taken back.
    pub fn release(&mut self, index: usize) -> Option<TimerKey> {
        self.connected -= 1;
        let place = &mut self.places[index];
        place.generation = place.generation.wrapping_add(1);
        place.is_left = false;
        (place.state, place.waiters) = (State::Free, Waiters::default());
        if std::mem::take(&mut place.is_kept) {
            self.kept -= 1;
        } else {
            self.stayed <<= 1;
        }
        self.free.push(index);
        place.timer.take()
    }

    /// Parks a connection. The answer says whether a timer is needed, for when.
    pub fn park(&mut self, connection: Box<Connection>, until: Option<Instant>) -> Option<Instant> {
        let place = &mut self.places[connection.stream.key()];
        if !connection.is_left {
            place.waiters = Waiters::default();
        }
        place.state = State::Parked { connection, until };
        match place.timer {
            // It fires first, and finds the deadline that counts then.
            Some((at, _)) if until.is_none_or(|until| at <= until) => None,
            _ => until,
        }
    }

    /// Notes the timer of a place; the one that it replaces is to be taken back.
    pub fn set_timer(&mut self, index: usize, timer: TimerKey) -> Option<TimerKey> {
        self.places[index].timer.replace(timer)
    }

    /// Since when a place has had no request in progress.
    #[must_use]
    pub fn idle_since(&self, index: usize) -> Instant {
        self.places[index].idle_since
    }

    /// A connection goes into service.
    pub fn put_in_service(&mut self, index: usize, stream: &Arc<Stream>) {
        self.places[index].state = State::InService { stream: Arc::downgrade(stream) };
    }

    /// Its request has ended `now`, and what follows is the wait for the next; or that has begun to
    /// come.
    pub fn rest(&mut self, index: usize, now: Instant) {
        self.places[index].idle_since = now;
    }

    /// An event for a place: takes the connection out if it is parked, else notes the event and has those
    /// woken who wait for it.
    pub fn event(
        &mut self,
        index: usize,
        generation: u16,
        ready: Ready,
        wake: impl FnMut(W),
    ) -> Heard {
        let Some(place) = self.places.get_mut(index).filter(|p| p.generation == generation) else {
            return Heard::Nobody;
        };
        match &place.state {
            State::Free => Heard::Nobody,
            State::Parked { connection, .. } => {
                let has_come = ready.read || ready.hung_up;
                // Room to send may be what one that was left has waited for before it is read on.
                let is_meant = has_come || connection.is_left;
                if has_come {
                    connection.stream.note_readable(ready.hung_up);
                }
                place.waiters.wake(ready, wake);
                if is_meant { Heard::Parked(self.unpark(index)) } else { Heard::Nobody }
            }
            State::InService { stream } => {
                // Before anybody looks.
                let stream = stream.upgrade();
                if ready.read
                    && let Some(stream) = &stream
                {
                    stream.note_readable(ready.hung_up);
                }
                let is_read = place.waiters.wake(ready, wake);
                match stream {
                    Some(stream) if !is_read && stream.upgraded().is_some() => {
                        Heard::Upgraded(stream)
                    }
                    _ => Heard::Nobody,
                }
            }
        }
    }

    /// Who is in service at a place waits for its socket. False: somebody does already, or this
    /// stream is in service no more.
    pub fn wait(&mut self, stream: &Stream, who: W, interest: Interest) -> bool {
        match self.waiters(stream) {
            Some(Waiters { first: first @ None, .. }) => *first = Some((who, interest)),
            Some(waiters) if stream.upgraded().is_some() => waiters.others.push((who, interest)),
            _ => return false,
        }
        true
    }

    /// The wait of who `is_it` is over.
    pub fn stop_waiting(&mut self, stream: &Stream, is_it: impl Fn(&W) -> bool) {
        if let Some(waiters) = self.waiters(stream) {
            waiters.first.take_if(|(who, _)| is_it(who));
            waiters.others.retain(|(who, _)| !is_it(who));
        }
    }

    /// Who still waits for a stream whose request has ended, or that was stirred; one after the other.
    pub fn take_waiter(&mut self, stream: &Stream) -> Option<W> {
        let waiters = self.waiters(stream)?;
        waiters.first.take().or_else(|| waiters.others.pop()).map(|(who, _)| who)
    }

    /// Of the stream itself and not of whatever has its place now: an application may keep
    /// `wsgi.input` for longer than its request.
    fn waiters(&mut self, wanted: &Stream) -> Option<&mut Waiters<W>> {
        let place = self.places.get_mut(wanted.key())?;
        let is_it = match &place.state {
            State::InService { stream } => ptr::eq(stream.as_ptr(), wanted),
            State::Parked { connection, .. } => {
                connection.is_left && ptr::eq(Arc::as_ptr(&connection.stream), wanted)
            }
            State::Free => false,
        };
        is_it.then_some(&mut place.waiters)
    }

    /// The parked connections that may be closed for a new client, the longest idle first; of those
    /// that wait for their next request none unless `with_kept`.
    pub fn idle(&self, now: Instant, most: usize, with_kept: bool) -> Vec<usize> {
        self.longest(most, |place| {
            let State::Parked { connection, .. } = &place.state else { return None };
            if connection.is_left {
                return None;
            }
            let enough = if connection.is_idle() {
                with_kept.then_some(room::KEPT_ENOUGH)?
            } else {
                room::IDLE_ENOUGH
            };
            let age = now.saturating_duration_since(place.idle_since);
            (age >= enough).then_some(age)
        })
    }

    /// Takes out the connection that is parked at a place.
    pub fn take(&mut self, index: usize) -> Option<Box<Connection>> {
        matches!(self.places[index].state, State::Parked { .. }).then(|| self.unpark(index))
    }

    /// Whether the connection of this stream is here, parked or in service.
    pub fn has(&self, wanted: &Arc<Stream>) -> bool {
        self.places.get(wanted.key()).is_some_and(|place| match &place.state {
            State::Free => false,
            State::Parked { connection, .. } => Arc::ptr_eq(&connection.stream, wanted),
            State::InService { stream } => ptr::eq(stream.as_ptr(), Arc::as_ptr(wanted)),
        })
    }

    /// Takes out the connection of this stream, if it is parked and was left. Behind its end it may be parked
    /// with a deadline, which counts then.
    pub fn take_left(&mut self, stream: &Arc<Stream>) -> Option<Box<Connection>> {
        match &self.places.get(stream.key())?.state {
            State::Parked { connection, .. } if connection.is_left => self.take_parked(stream),
            _ => None,
        }
    }

    /// Takes out the connection of this stream, if it is parked.
    pub fn take_parked(&mut self, stream: &Arc<Stream>) -> Option<Box<Connection>> {
        let index = stream.key();
        match &self.places.get(index)?.state {
            State::Parked { connection, .. } if Arc::ptr_eq(&connection.stream, stream) => {
                Some(self.unpark(index))
            }
            _ => None,
        }
    }

    /// Gives up clients in service that were waited for `enough` or longer, the longest first, at
    /// most `most`.
    pub fn evict_stalled(&self, now: Instant, enough: Duration, most: usize) {
        let stalled = self.longest(most, |place| match &place.state {
            State::InService { stream } => {
                stream.upgrade()?.stalled_for(now).filter(|stall| *stall >= enough)
            }
            _ => None,
        });
        for index in stalled {
            if let State::InService { stream } = &self.places[index].state
                && let Some(stream) = stream.upgrade()
            {
                stream.evict();
            }
        }
    }

    /// Looks at every place: only a worker that is full does this, and not often.
    fn longest(&self, most: usize, age: impl Fn(&Place<W>) -> Option<Duration>) -> Vec<usize> {
        let places = self.places.iter().enumerate();
        let mut found: Vec<_> =
            places.filter_map(|(index, place)| Some((Reverse(age(place)?), index))).collect();
        found.sort_unstable();
        found.into_iter().map(|(_, index)| index).take(most).collect()
    }

    /// The timer of a place has fired.
    pub fn expired(&mut self, index: usize, now: Instant) -> Expiry {
        let place = &mut self.places[index];
        place.timer = None;
        match place.state {
            State::Parked { until: Some(until), .. } if until <= now => {
                Expiry::Passed(self.unpark(index))
            }
            State::Parked { until: Some(until), .. } => Expiry::Later(until),
            _ => Expiry::Void,
        }
    }

    fn unpark(&mut self, index: usize) -> Box<Connection> {
        let place = &mut self.places[index];
        match std::mem::replace(&mut place.state, State::Free) {
            State::Parked { connection, .. } => {
                let stream = Arc::downgrade(&connection.stream);
                place.state = State::InService { stream };
                connection
            }
            _ => unreachable!("only a parked connection is unparked"),
        }
    }
}
