//! The twins of the calls that wait, for who speaks on many connections in one thread, or does other things in it:
//! they give what is there, and have the listener told, or a bell rung, when what they have not given may be.

use std::sync::{Arc, PoisonError};
use std::time::Instant;

use unicoro_contract::is_forked_child;
use unicoro_sys::event_fd::EventFd;

use super::bells::Awaits;
use super::talk::Talk;
use super::{Closed, Listener, Outgoing, WebSocket};
use crate::websocket::{Close, Message};

impl WebSocket {
    /// `listener` is called, for a moment and from any thread, when what was asked for in vain may be there.
    /// `owed` is sent before all else.
    pub fn with_listener(mut self, listener: Listener, owed: &[u8]) -> Self {
        self.listener = Some(listener);
        let talk = self.talk.get_mut().unwrap_or_else(PoisonError::into_inner);
        talk.append(|unsent| unsent.extend_from_slice(owed));
        talk.awaited.parting = true;
        self
    }

    /// The next message, if one has come.
    ///
    /// # Errors
    /// There will be none.
    pub fn receive_now(&self) -> Result<Option<Message>, Closed> {
        self.receive_or(|talk| talk.awaited.message = true)
    }

    /// The same; the bell is rung, if there is one.
    ///
    /// # Errors
    /// There will be none.
    pub fn receive_or_ring(&self, bell: Option<&Arc<EventFd>>) -> Result<Option<Message>, Closed> {
        self.receive_or(|talk| bell.into_iter().for_each(|it| talk.bells.add(Awaits::Message, it)))
    }

    fn receive_or(&self, wait: impl FnOnce(&mut Talk)) -> Result<Option<Message>, Closed> {
        let Some(stream) = self.own_stream() else { return self.receive_kept().map(Some) };
        let (found, is_for_others) = self.locked(&stream, |talk| {
            let found = match (talk.take(&stream, &self.terms), talk.closed()) {
                (Some(message), _) => Ok(Some(message)),
                (None, Some(closed)) => Err(closed.clone()),
                (None, None) => {
                    wait(talk);
                    Ok(None)
                }
            };
            (found, talk.receivers > 0 && talk.has_more())
        });
        // As in `receive`.
        if is_for_others {
            stream.stir();
        }
        found
    }

    /// What had come before the connection was given back.
    fn receive_kept(&self) -> Result<Message, Closed> {
        let kept = if is_forked_child() { None } else { self.talk().take_kept() };
        kept.ok_or_else(|| self.how_it_ended())
    }

    /// If nothing can come or go any more, takes leave of the connection, whether or not the application knows:
    /// whether the client has taken all. Messages that have come are still to be received.
    pub fn part_now(&self) -> Option<bool> {
        let stream = self.own_stream()?;
        self.locked(&stream, |talk| {
            let parts = talk.is_at_end() && !talk.is_over();
            parts.then(|| {
                talk.part();
                !talk.is_lost()
            })
        })
    }

    /// Sends a message, and keeps what the client does not take at once; whether that is so little that more
    /// may follow.
    ///
    /// # Errors
    /// The connection is closed.
    pub fn send_now(&self, outgoing: &Outgoing<'_>) -> Result<bool, Closed> {
        self.put(&self.stream()?, outgoing)?;
        self.has_room_now()
    }

    /// Whether so little waits for the client that more may follow.
    ///
    /// # Errors
    /// The connection is closed.
    pub fn has_room_now(&self) -> Result<bool, Closed> {
        self.has_room_or(|talk| talk.awaited.room = true)
    }

    /// The same; the bell is rung, if there is one.
    ///
    /// # Errors
    /// The connection is closed.
    pub fn has_room_or_ring(&self, bell: Option<&Arc<EventFd>>) -> Result<bool, Closed> {
        self.has_room_or(|talk| bell.into_iter().for_each(|it| talk.bells.add(Awaits::Room, it)))
    }

    fn has_room_or(&self, wait: impl FnOnce(&mut Talk)) -> Result<bool, Closed> {
        let stream = self.stream()?;
        self.locked(&stream, |talk| {
            talk.flush(&stream);
            if let Some(closed) = talk.closed() {
                return Err(closed.clone());
            }
            let has_room = talk.unsent() <= self.terms.queue;
            if !has_room {
                wait(talk);
            }
            Ok(has_room)
        })
    }

    /// The application is done with it: closes it, unless it is closed. Whether the client has taken all;
    /// `None`, as long as it may.
    pub fn finish_now(&self, close: Close) -> Option<bool> {
        let Some(stream) = self.own_stream() else { return Some(false) };
        self.locked(&stream, |talk| {
            talk.close(&stream, close);
            talk.flush(&stream);
            if talk.unsent() > 0 && !talk.is_lost() {
                talk.awaited.end.get_or_insert_with(Instant::now);
                return None;
            }
            talk.end();
            Some(!talk.is_lost())
        })
    }
}
