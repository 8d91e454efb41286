//! A WebSocket whose view has left it to callbacks: between messages nobody waits for it, and its connection
//! is parked as an idle one of HTTP is.
//!
//! ```text
//!   the engine hears of bytes ─► look ─┬─ nothing to call for ─► parked
//!   something else has happened ─ roused ┘                          ▲
//!                                      └─► take_call ─► a message, or its end, one after the other
//! ```
//!
//! Behind that, and behind a view that has left it to nobody, it is parked until its client has taken all.

use unicoro_contract::is_forked_child;

use super::WebSocket;
use super::call::{Call, NotLeft};
use super::closed::Closed;
use crate::websocket::Close;
use crate::websocket::close_code::{INTERNAL_ERROR, NORMAL};

impl WebSocket {
    /// From now on its messages are called for, once its request is over.
    ///
    /// # Errors
    /// It cannot be left.
    pub fn leave(&self) -> Result<(), NotLeft> {
        let stream = self.stream().map_err(NotLeft::Over)?;
        self.locked(&stream, |talk| {
            if talk.is_over() {
                let over = || Closed { code: NORMAL, reason: "the request is over".into() };
                Err(NotLeft::Over(talk.closed().cloned().unwrap_or_else(over)))
            } else if talk.is_left {
                Err(NotLeft::Left)
            } else if talk.receivers > 0 || talk.bells.has_receiver() {
                Err(NotLeft::Awaited)
            } else {
                talk.is_left = true;
                Ok(())
            }
        })
    }

    /// The application has failed: closes it, unless it is closed.
    pub fn fail(&self) {
        if let Ok(close) = Close::new(INTERNAL_ERROR, "") {
            self.close(close);
        }
    }

    /// The application is done with it: closes it, unless it is closed. As
    /// [`finish_now`](WebSocket::finish_now): `None` is to be asked again as often as it is looked at.
    pub fn finish(&self, has_failed: bool) -> Option<bool> {
        let code = if has_failed { INTERNAL_ERROR } else { NORMAL };
        Close::new(code, "").map_or(Some(false), |close| self.finish_now(close))
    }

    /// Whether it was left.
    pub fn is_left(&self) -> bool {
        !is_forked_child() && self.talk().is_left
    }

    /// Takes in what has come; whether there is something to call for, or more to take in than the engine
    /// takes in a row.
    pub fn look(&self) -> bool {
        let Some(stream) = self.own_stream() else { return true };
        self.locked(&stream, |talk| {
            talk.turn(&stream, &self.terms);
            talk.has_news() || talk.reads_on(&self.terms) && stream.may_be_readable()
        })
    }

    /// What is to be called for now, if anything is.
    pub fn take_call(&self) -> Option<Call> {
        let Some(stream) = self.own_stream() else { return Some(Call::Closed) };
        self.locked(&stream, |talk| {
            let message = talk.take(&stream, &self.terms).map(Call::Message);
            message.or_else(|| talk.closed().map(|_| Call::Closed))
        })
    }
}
