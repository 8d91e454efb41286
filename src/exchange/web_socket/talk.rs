//! What is under way on one WebSocket, both ways: under the lock of [`super::WebSocket`].
//!
//! Whoever comes by moves it on, as far as the socket does at once: who receives, who sends, the engine when
//! nobody does. So a ping is answered and a rest is sent wherever the application is. Nothing here waits.
//!
//! ```text
//!   socket ─► inbox ─► Decoder ─► messages ─► who receives       at most `queue` bytes, then nothing is read
//!                        └ ping, close ─┐
//!   socket ◄───────── unsent ◄──────────┴─ Encoder ◄─ who sends  with more than `queue` it waits
//! ```

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::time::{Duration, Instant};

use unicoro_contract::{Inbox, Interest, Received, Stream};

use super::awaited::Awaited;
use super::bells::{Awaits, Bells};
use super::closed::Closed;
use super::ending::Ending;
use super::terms::Terms;
use crate::websocket::close_code::ABNORMAL;
use crate::websocket::{
    self, Close, ControlPayload, Data, Decoder, Encoder, Event, Message, Prepared,
};

/// What is sent.
pub enum Outgoing<'d> {
    /// A message.
    Message(Data<'d>),
    /// A message that many are sent.
    Prepared(&'d Prepared),
}

/// One connection's state.
pub struct Talk {
    inbox: Inbox,
    decoder: Decoder,
    encoder: Encoder,
    messages: VecDeque<Message>,
    /// Bytes that `messages` take.
    waiting: usize,
    unsent: Vec<u8>,
    /// Of `unsent`, bytes that were sent.
    sent: usize,
    closed: Option<Closed>,
    /// The application has received a message and has not asked for the next.
    is_answering: bool,
    /// The client has ended it behind messages that the application may answer, and when that was seen.
    ending: Option<(Ending, Instant)>,
    has_sent_close: bool,
    has_said_all: bool,
    /// Nothing more can be sent or received.
    is_lost: bool,
    /// The request is over, or at least has no connection: nobody may touch that any more.
    is_over: bool,
    /// Its messages are called for ([`super::left`]).
    pub is_left: bool,
    /// Calls that wait to receive.
    pub receivers: usize,
    /// Calls that wait to send.
    pub senders: usize,
    /// What the listener is to be told.
    pub awaited: Awaited,
    /// Who else waits, in no call of ours.
    pub bells: Bells,
    /// When the client was heard last.
    heard: Instant,
    /// When it was asked whether it is there, since it was heard last.
    pinged: Option<Instant>,
    /// When it took something last, or something new was to be taken.
    moved: Instant,
}

impl Talk {
    /// On a connection of which `received` was sent already.
    pub fn new(received: &[u8], decoder: Decoder, encoder: Encoder) -> Self {
        let mut inbox = Inbox::default();
        if !received.is_empty() {
            inbox.room().extend_from_slice(received);
        }
        let now = Instant::now();
        Talk {
            inbox,
            decoder,
            encoder,
            messages: VecDeque::new(),
            waiting: 0,
            unsent: Vec::new(),
            sent: 0,
            closed: None,
            is_answering: false,
            ending: None,
            has_sent_close: false,
            has_said_all: false,
            is_lost: false,
            is_over: false,
            is_left: false,
            receivers: 0,
            senders: 0,
            awaited: Awaited::default(),
            bells: Bells::default(),
            heard: now,
            pinged: None,
            moved: now,
        }
    }

    /// How it has closed, if it has.
    pub fn closed(&self) -> Option<&Closed> {
        self.closed.as_ref()
    }

    /// Bytes that the client has still to take.
    pub fn unsent(&self) -> usize {
        self.unsent.len() - self.sent
    }

    /// Whether the connection has broken.
    pub fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Whether nothing can come or go any more: it has broken, or both sides have closed it.
    pub fn is_at_end(&self) -> bool {
        self.is_lost || self.has_said_all
    }

    /// Whether the request is over.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// Whether who receives would be told something.
    pub fn has_news(&self) -> bool {
        !self.messages.is_empty() || self.closed.is_some() || self.ending.is_some()
    }

    /// Whether there may be another message in what has been received.
    pub fn has_more(&self) -> bool {
        !self.messages.is_empty() || !self.inbox.is_empty()
    }

    /// The client has taken nothing since.
    pub fn moved(&self) -> Instant {
        self.moved
    }

    /// The next message, if one has come. What was received before is answered, if it is to be.
    pub fn take(&mut self, stream: &Stream, terms: &Terms) -> Option<Message> {
        self.is_answering = false;
        if self.messages.is_empty() && !self.is_over {
            self.read(stream, terms, false);
        }
        self.take_kept()
    }

    /// The next message of those that were taken in.
    pub fn take_kept(&mut self) -> Option<Message> {
        let message = self.messages.pop_front()?;
        self.is_answering = true;
        self.waiting -= weight(&message);
        Some(message)
    }

    /// Nobody waits for what comes: takes it in, as far as it was noted that something has come
    /// ([`Stream::note_readable`]), and sends what there is room for.
    pub fn turn(&mut self, stream: &Stream, terms: &Terms) {
        if self.is_over {
            return;
        }
        if self.receivers == 0 {
            self.read(stream, terms, true);
        } else {
            self.flush(stream);
        }
    }

    /// What time brings, about once a second: pings, and the end of patience.
    pub fn tick(&mut self, stream: &Stream, terms: &Terms, now: Instant) {
        self.turn(stream, terms);
        if self.is_over || self.is_lost {
            return;
        }
        let has_passed = |since: Instant, time| {
            let passed = now.saturating_duration_since(since);
            Option::is_some_and(time, |time| passed >= time)
        };
        if let Some((ending, _)) = self.ending.take_if(|(_, seen)| has_passed(*seen, Some(HELD))) {
            self.end_by(ending);
            self.flush(stream);
        }
        if self.unsent() > 0 && has_passed(self.moved, terms.send_idle) {
            return self.give_up(stream, TOOK_NOTHING);
        }
        // One that takes a little of the end now and then gains no time.
        if self.awaited.end.is_some_and(|since| has_passed(since, terms.send_idle)) {
            return self.give_up(stream, TOOK_TOO_LITTLE);
        }
        // What it may have said is not looked at.
        let is_unheard = !self.reads_on(terms);
        if self.closed.is_some() || is_unheard {
            return;
        }
        match self.pinged {
            Some(pinged) if has_passed(pinged, terms.ping_timeout) => {
                self.give_up(stream, "no answer to a ping");
            }
            // Who may be silent for ever is asked on: what lies between must not take it for idle.
            pinged
                if has_passed(pinged.unwrap_or(self.heard), terms.ping_interval)
                    && (pinged.is_none() || terms.ping_timeout.is_none()) =>
            {
                self.pinged = Some(now);
                self.say(stream, |out| websocket::ping(&ControlPayload::EMPTY, out));
            }
            Some(_) | None => {}
        }
    }

    /// Sends as much of a message as there is room for, and keeps the rest.
    pub fn send(&mut self, stream: &Stream, outgoing: &Outgoing<'_>) {
        // Its state of deflate is of this talk too, so it is out of it for a moment.
        let mut encoder = std::mem::replace(&mut self.encoder, Encoder::new(None));
        match outgoing {
            Outgoing::Message(data) => self.push(stream, encoder.message(*data).parts()),
            Outgoing::Prepared(prepared) => self.push(stream, [encoder.prepared(prepared), b""]),
        }
        self.encoder = encoder;
    }

    /// Closes it, unless it is closed: messages that have come are still to be received.
    pub fn close(&mut self, stream: &Stream, close: Close) {
        if self.has_sent_close || self.is_lost || self.is_over {
            return;
        }
        let ending = self.ending.take().map(|(ending, _)| ending);
        self.end_by(ending.unwrap_or(Ending::Closed(Some(close))));
        self.flush(stream);
    }

    /// The application wants no more messages.
    pub fn forget_messages(&mut self) {
        self.messages = VecDeque::new();
        self.waiting = 0;
    }

    /// The request is over.
    pub fn end(&mut self) {
        self.forget_messages();
        self.part();
    }

    /// The connection is touched no more. What has come is still to be received.
    pub fn part(&mut self) {
        self.is_over = true;
        // With what they compress with: the application may keep the socket.
        (self.decoder, self.encoder) = (Decoder::new(0, None), Encoder::new(None));
        (self.inbox, self.unsent, self.sent) = (Inbox::default(), Vec::new(), 0);
        self.closed.get_or_insert(Closed { code: ABNORMAL, reason: String::new() });
    }

    /// The client is given up.
    pub fn give_up(&mut self, stream: &Stream, why: &str) {
        self.lose(why);
        // Whoever waits for it in the kernel finds out.
        stream.part(b"");
    }

    /// The connection has broken.
    pub fn lose(&mut self, why: &str) {
        self.is_lost = true;
        (self.unsent, self.sent) = (Vec::new(), 0);
        let ending = self.ending.take().map(|(ending, _)| ending.closed());
        let closed = ending.unwrap_or_else(|| Closed { code: ABNORMAL, reason: why.to_owned() });
        self.closed.get_or_insert(closed);
    }

    /// Sends what there is room for.
    pub fn flush(&mut self, stream: &Stream) {
        while self.unsent() > 0 {
            match stream.send_some(&[IoSlice::new(&self.unsent[self.sent..])]) {
                Ok(0) => return self.drop_sent(),
                Ok(sent) => {
                    self.sent += sent;
                    self.moved = Instant::now();
                }
                Err(error) => return self.broke(&error),
            }
        }
        // An idle connection keeps no memory for it.
        (self.unsent, self.sent) = (Vec::new(), 0);
        // RFC 6455, 7.1.1: the server closes first, once both have said so.
        if self.has_sent_close && self.decoder.has_ended() && !self.has_said_all && !self.is_lost {
            self.has_said_all = true;
            stream.finish_sending();
        }
    }

    /// A client that always takes something and never all must not be kept what it has taken.
    fn drop_sent(&mut self) {
        if 2 * self.sent >= self.unsent.len() {
            self.unsent.drain(..self.sent);
            self.sent = 0;
        }
    }

    fn broke(&mut self, error: &io::Error) {
        self.lose(&error.to_string());
    }

    /// Whether more is to be read: not beyond what may wait for the application, nor for a client that
    /// does not take the answers to its pings.
    pub fn reads_on(&self, terms: &Terms) -> bool {
        !self.is_lost
            && !self.decoder.has_ended()
            && self.waiting <= terms.queue
            && self.unsent() <= terms.queue
    }

    /// What the socket is to be waited for, if nobody waits for it.
    pub fn awaits(&self, terms: &Terms) -> Interest {
        match (self.reads_on(terms), self.unsent() > 0) {
            (true, true) => Interest::Either,
            (false, true) => Interest::Write,
            (_, false) => Interest::Read,
        }
    }

    /// Takes in what has come: up to the first message, or `ahead` as much as may wait.
    fn read(&mut self, stream: &Stream, terms: &Terms, ahead: bool) {
        if !self.may_be_answered()
            && let Some((ending, _)) = self.ending.take()
        {
            self.end_by(ending);
        }
        // What the client has not taken may be all that is in the way.
        if self.unsent() > 0 {
            self.flush(stream);
        }
        for _ in 0..READS {
            self.decode(terms, ahead);
            let has_enough = !ahead && !self.messages.is_empty();
            // Who receives, and was told by poll(2), comes before the engine has noted it.
            let is_noted = ahead || stream.tells_upgraded();
            let is_dry = is_noted && !stream.may_be_readable();
            if has_enough || is_dry || !self.reads_on(terms) {
                break;
            }
            match stream.receive(&mut self.inbox) {
                Ok(Received::Bytes(_)) => (self.heard, self.pinged) = (Instant::now(), None),
                Ok(Received::Nothing) => break,
                Ok(Received::End) => self.lose(""),
                Err(error) => self.broke(&error),
            }
        }
        self.decode(terms, ahead);
        self.inbox.release();
        self.flush(stream);
    }

    /// What came before a close frame or a broken rule may be answered first, so who receives is given a
    /// message before what is behind it is looked at; and who looks ahead waits for the answer, [`HELD`].
    fn decode(&mut self, terms: &Terms, ahead: bool) {
        while !self.inbox.is_empty() && self.reads_on(terms) && (ahead || self.messages.is_empty())
        {
            let mut input = self.inbox.as_slice();
            let there = input.len();
            let fed = self.decoder.feed(&mut input);
            let taken = there - input.len();
            self.inbox.consume(taken);
            match fed {
                Ok(Some(Event::Close(close))) => self.meet(Ending::Closed(close)),
                Ok(Some(event)) => self.hear(event),
                Ok(None) => {}
                Err(failure) => self.meet(Ending::Broken(failure)),
            }
        }
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::Message(_) if self.has_sent_close => {}
            Event::Message(message) => {
                self.waiting += weight(&message);
                self.messages.push_back(message);
            }
            Event::Ping(payload) if !self.has_sent_close => {
                self.append(|out| websocket::pong(&payload, out));
            }
            Event::Ping(_) | Event::Pong(_) | Event::Close(_) => {}
        }
    }

    /// The client has ended it.
    fn meet(&mut self, ending: Ending) {
        if let Ending::Broken(failure) = &ending {
            log::info!("a WebSocket is closed: {failure}");
        }
        if self.may_be_answered() && !self.has_sent_close {
            self.ending = Some((ending, Instant::now()));
        } else {
            self.end_by(ending);
        }
    }

    /// Whether the application may still answer what has come.
    fn may_be_answered(&self) -> bool {
        self.is_answering || !self.messages.is_empty()
    }

    /// It is closed in this way, and what is left of it is the answer, unless a close frame was sent.
    fn end_by(&mut self, ending: Ending) {
        self.closed.get_or_insert(ending.closed());
        if !std::mem::replace(&mut self.has_sent_close, true) {
            let answer = ending.answer();
            self.append(|out| websocket::close(answer.as_ref(), out));
        }
    }

    /// Whether something that is awaited is there, or may be; it is awaited no more then.
    pub fn take_news(&mut self, stream: &Stream, terms: &Terms) -> bool {
        let Awaited { message, room, end, parting } = self.awaited;
        let has_message = message && self.may_have_message(stream, terms);
        let has_room = room && self.may_have_room(terms);
        let has_ended = end.is_some() && (self.is_lost || self.unsent() == 0);
        self.awaited = Awaited {
            message: message && !has_message,
            room: room && !has_room,
            end: end.filter(|_| !has_ended),
            parting: parting && !self.is_at_end(),
        };
        has_message || has_room || has_ended || parting && self.is_at_end()
    }

    /// The same for those who wait by bells.
    pub fn ring_bells(&mut self, stream: &Stream, terms: &Terms) {
        if self.bells.is_empty() {
            return;
        }
        let mut bells = std::mem::take(&mut self.bells);
        bells.ring(|awaits| match awaits {
            Awaits::Message => self.may_have_message(stream, terms),
            Awaits::Room => self.may_have_room(terms),
        });
        self.bells = bells;
    }

    fn may_have_message(&self, stream: &Stream, terms: &Terms) -> bool {
        // More has come than is read in a row, or was let lie: no event will tell of it.
        let goes_on =
            || self.reads_on(terms) && (!self.inbox.is_empty() || stream.may_be_readable());
        self.closed.is_some() || !self.messages.is_empty() || goes_on()
    }

    fn may_have_room(&self, terms: &Terms) -> bool {
        self.closed.is_some() || self.unsent() <= terms.queue
    }

    /// Adds to what is to be sent.
    pub fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.unsent() == 0 {
            self.moved = Instant::now();
        }
        write(&mut self.unsent);
    }

    fn say(&mut self, stream: &Stream, write: impl FnOnce(&mut Vec<u8>)) {
        self.append(write);
        self.flush(stream);
    }

    /// Sends what there is room for of a frame, and keeps the rest. Nothing that is sent is copied.
    pub fn push(&mut self, stream: &Stream, parts: [&[u8]; 2]) {
        if self.unsent() > 0 {
            parts.iter().for_each(|part| self.unsent.extend_from_slice(part));
            return self.flush(stream);
        }
        match stream.send_some(&parts.map(IoSlice::new)) {
            Ok(mut sent) => {
                self.moved = Instant::now();
                for part in parts {
                    let taken = sent.min(part.len());
                    self.unsent.extend_from_slice(&part[taken..]);
                    sent -= taken;
                }
            }
            Err(error) => self.broke(&error),
        }
    }
}

/// What a message that waits is counted as.
fn weight(message: &Message) -> usize {
    message.data.len() + size_of::<Message>()
}

/// Receives in a row, so that a client that sends without end keeps nobody for good: the engine's thread
/// looks again within a second, who receives once others had their turn.
const READS: usize = 8;

/// For how long the application may answer what came before its client's close frame or broken rule, at
/// least. It is answered itself then: who never receives again would never let the client go.
const HELD: Duration = Duration::from_secs(1);

/// Why a client is given up that does not read.
pub const TOOK_NOTHING: &str = "the client took nothing for client_send_timeout";
/// The same of one that takes too little of the last that it is sent.
const TOOK_TOO_LITTLE: &str = "the client did not take the rest within client_send_timeout";

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;
    use std::sync::Arc;

    use unicoro_contract::BlockingWaiter;

    use super::*;

    const PIECE: usize = 64 * 1024;

    fn beginning() -> (Arc<Stream>, UnixStream, Talk) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let stream = Arc::new(Stream::new(ours.into(), 0, &BlockingWaiter));
        (stream, theirs, Talk::new(b"", Decoder::new(PIECE, None), Encoder::new(None)))
    }

    #[test]
    fn a_tick_makes_no_system_call_for_a_client_of_whom_nothing_was_noted() {
        let (stream, mut theirs, mut talk) = beginning();
        let terms = Terms::patient(PIECE);
        // A new connection may have sent something.
        talk.tick(&stream, &terms, Instant::now());
        theirs.write_all(TEXT).unwrap();
        talk.tick(&stream, &terms, Instant::now());
        assert!(!talk.has_news(), "it was received");
        stream.note_readable(false);
        talk.tick(&stream, &terms, Instant::now());
        assert!(talk.has_news());
    }

    #[test]
    fn what_a_client_has_taken_is_not_kept_though_it_never_takes_all() {
        let (stream, mut theirs, mut talk) = beginning();
        let (piece, mut taken) = (vec![0; PIECE], vec![0; PIECE]);
        let say = |talk: &mut Talk| {
            talk.send(&stream, &Outgoing::Message(Data::Binary(&piece)));
        };
        while talk.unsent() < PIECE {
            say(&mut talk);
        }
        for _ in 0..100 {
            theirs.read_exact(&mut taken).unwrap();
            say(&mut talk);
            assert!(talk.unsent() > 0, "it has taken all");
        }
        assert!(talk.unsent.len() < 10 * PIECE, "{} bytes", talk.unsent.len());
    }

    const TEXT: &[u8] = b"\x81\x82\0\0\0\0hi";
    const CLOSE: &[u8] = b"\x88\x82\0\0\0\0\x03\xe9";
    const OF_NO_KIND: &[u8] = b"\x87\x80\0\0\0\0";

    /// Runs `then` when the engine has looked at the connection, with the application at the first of
    /// `messages`, behind which there is `end`.
    fn while_looked_at(messages: usize, end: &[u8], then: impl FnOnce(&mut Talk, &Stream, &Terms)) {
        let (stream, mut theirs, mut talk) = beginning();
        let terms = Terms::patient(PIECE);
        theirs.write_all(&[&TEXT.repeat(messages), end].concat()).unwrap();
        assert!(talk.take(&stream, &terms).is_some());
        talk.turn(&stream, &terms);
        then(&mut talk, &stream, &terms);
    }

    #[test]
    fn what_came_before_the_end_may_be_answered_whoever_looks_ahead() {
        for (end, code) in [(CLOSE, 1001), (OF_NO_KIND, 1002)] {
            for messages in [1, 2] {
                while_looked_at(messages, end, |talk, stream, terms| {
                    for _ in 1..messages {
                        assert!(talk.closed().is_none());
                        assert!(talk.take(stream, terms).is_some());
                        talk.turn(stream, terms);
                    }
                    assert!(talk.closed().is_none());
                    assert!(talk.has_news());
                    assert!(talk.take(stream, terms).is_none());
                    assert_eq!(talk.closed().unwrap().code, code);
                });
            }
        }
    }

    #[test]
    fn an_end_is_answered_at_last_though_the_application_is_still_at_a_message() {
        for (end, code) in [(CLOSE, 1001), (OF_NO_KIND, 1002)] {
            while_looked_at(2, end, |talk, stream, terms| {
                talk.tick(stream, terms, Instant::now());
                assert!(talk.closed().is_none());
                talk.tick(stream, terms, Instant::now() + HELD);
                assert_eq!(talk.closed().unwrap().code, code);
                assert!(talk.take(stream, terms).is_some(), "it is still to be received");
            });
        }
    }

    #[test]
    fn the_end_of_a_client_that_has_gone_is_what_it_said() {
        while_looked_at(1, CLOSE, |talk, _, _| {
            talk.lose("it has gone");
            assert_eq!(talk.closed().unwrap().code, 1001);
        });
    }
}
