//! What a client still sends when it has its answer: the rest of a body, or of a request that was
//! refused.
//!
//! It is thrown away as it comes, by whoever watches idle connections: no thread waits for a client
//! that has its answer, and one that never ends costs no more than an idle one.
//!
//! A connection is not closed at once, for a close with unread bytes is a reset, and a reset makes
//! the client throw away what it has not read yet (RFC 9112, 9.6). So: say that no more will be sent,
//! and read until the client closes too, within bounds.

use std::time::{Duration, Instant};

use unicoro_contract::{Inbox, Received, Stream};

use crate::http::BodyDecoder;

/// What is still to be thrown away, and until when.
pub struct Leftover {
    rest: Rest,
    budget: usize,
    /// The client has time until then; `None`: for ever.
    pub until: Option<Instant>,
}

enum Rest {
    /// Of a body: behind it the next request begins.
    Body(BodyDecoder),
    /// Whatever comes until the client closes.
    Anything,
}

/// What has become of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Swept {
    /// More is to come.
    More,
    /// The next request begins here.
    All,
    /// It is malformed or too much: nobody knows where the next request begins.
    Spoilt,
    /// The client sends for the sake of sending.
    Enough,
}

impl Leftover {
    /// The rest of a body, if it is not longer than `budget`.
    pub fn body(decoder: BodyDecoder, budget: usize, until: Option<Instant>) -> Self {
        Self { rest: Rest::Body(decoder), budget, until }
    }

    /// All that comes before the client closes.
    pub fn anything() -> Self {
        Self { rest: Rest::Anything, budget: MOST, until: Some(Instant::now() + PATIENCE) }
    }

    /// Throws away what has come.
    pub fn sweep(&mut self, inbox: &mut Inbox) -> Swept {
        match &mut self.rest {
            Rest::Body(decoder) => sweep_body(decoder, &mut self.budget, inbox),
            Rest::Anything => {
                self.budget = self.budget.saturating_sub(inbox.as_slice().len());
                inbox.consume(usize::MAX);
                if self.budget == 0 { Swept::Enough } else { Swept::More }
            }
        }
    }
}

fn sweep_body(decoder: &mut BodyDecoder, budget: &mut usize, inbox: &mut Inbox) -> Swept {
    loop {
        if decoder.is_done() {
            return Swept::All;
        }
        if decoder.remaining().is_some_and(|left| left > *budget as u64) {
            return Swept::Spoilt;
        }
        let Ok(decoded) = decoder.decode(inbox.as_slice(), usize::MAX) else {
            return Swept::Spoilt;
        };
        let Some(left) = budget.checked_sub(decoded.data.len()) else { return Swept::Spoilt };
        *budget = left;
        inbox.consume(decoded.consumed);
        if decoded.consumed == 0 {
            return Swept::More;
        }
    }
}

/// Waits here until the client has closed, or has had its chance: while the worker stops, nobody
/// watches idle connections any more.
pub fn linger(stream: &Stream, inbox: &mut Inbox) {
    let mut leftover = Leftover::anything();
    while leftover.sweep(inbox) == Swept::More {
        let left = leftover.until.map(|until| until.saturating_duration_since(Instant::now()));
        match stream.receive_wait(inbox, left) {
            Ok(Received::Bytes(_)) if left != Some(Duration::ZERO) => {}
            _ => return,
        }
    }
}

/// How long a client may take to close.
const PATIENCE: Duration = Duration::from_secs(2);
/// What is read of a request that nobody wants.
const MOST: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Framing;

    fn inbox(bytes: &[u8]) -> Inbox {
        let mut inbox = Inbox::default();
        inbox.room().extend_from_slice(bytes);
        inbox
    }

    fn body(framing: Framing, budget: usize) -> Leftover {
        Leftover::body(BodyDecoder::new(framing), budget, None)
    }

    #[test]
    fn the_next_request_begins_behind_the_body() {
        let mut leftover = body(Framing::Chunked, 5);
        let mut some = inbox(b"2\r\nab");
        assert_eq!(leftover.sweep(&mut some), Swept::More);
        some.room().extend_from_slice(b"\r\n3\r\ncde\r\n0\r\n\r\nGET");
        assert_eq!(leftover.sweep(&mut some), Swept::All);
        assert_eq!(some.as_slice(), b"GET");
    }

    #[test]
    fn a_body_beyond_the_budget_is_not_waited_for() {
        assert_eq!(body(Framing::Length(6), 5).sweep(&mut inbox(b"")), Swept::Spoilt);
        let mut chunks = body(Framing::Chunked, 5);
        assert_eq!(chunks.sweep(&mut inbox(b"5\r\nabcde\r\n")), Swept::More);
        assert_eq!(chunks.sweep(&mut inbox(b"1\r\nf\r\n0\r\n\r\n")), Swept::Spoilt);
        assert_eq!(body(Framing::Chunked, 5).sweep(&mut inbox(b"x")), Swept::Spoilt);
    }

    #[test]
    fn whoever_goes_on_sending_is_left() {
        let mut leftover = Leftover::anything();
        assert_eq!(leftover.sweep(&mut inbox(&[0; MOST - 1])), Swept::More);
        assert_eq!(leftover.sweep(&mut inbox(&[0; 1])), Swept::Enough);
    }
}
