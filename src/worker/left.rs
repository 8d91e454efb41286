//! A WebSocket that its view has left to callbacks: its connection goes back to the engine between two
//! messages, and each is called for as a request is served.

use std::time::Instant;

use unicoro_contract::{AfterRead, AfterServe, Connection};

use super::service::Service;
use crate::exchange::{Call, Fate, Left, Memory, Unread};

impl Service {
    /// The view of this connection's request, for `target`, has left its WebSocket.
    pub fn leave(conn: &mut Connection, left: Left) -> AfterServe {
        conn.is_left = true;
        Memory::of_mut(conn).left = Some(left);
        AfterServe::Park { until: None }
    }

    /// Bytes have come for one that was left, or something else has happened to it.
    pub fn look(conn: &Connection) -> AfterRead {
        let left = Memory::of(conn).and_then(|memory| memory.left.as_ref());
        match left {
            Some(left) if left.look() => AfterRead::Serve,
            Some(_) => AfterRead::Park { until: None },
            None => AfterRead::Close,
        }
    }

    /// Calls for its next message, or for its end. One at a time: a message has as long as a request.
    pub fn call(&self, conn: &mut Connection) -> AfterServe {
        let Some(mut left) = Memory::of_mut(conn).left.take() else { return AfterServe::Close };
        let Some(callbacks) = left.callbacks.take() else { return self.end(conn, left) };
        match left.socket.take_call() {
            None => {}
            Some(Call::Message(message)) => {
                let in_progress = self.desk.begin(METHOD, &left.target, Instant::now());
                if !callbacks.message(&line(&left.target), message) {
                    left.socket.fail();
                }
                drop(in_progress);
            }
            Some(Call::Closed) => {
                let in_progress = self.desk.begin(METHOD, &left.target, Instant::now());
                callbacks.closed(&line(&left.target));
                drop(in_progress);
                return self.end(conn, left);
            }
        }
        Self::leave(conn, Left { callbacks: Some(callbacks), ..left })
    }

    /// Nothing is called any more: it is parked until its client has taken all, and then parted with.
    fn end(&self, conn: &mut Connection, left: Left) -> AfterServe {
        let Some(is_whole) = left.socket.finish(false) else { return Self::leave(conn, left) };
        conn.is_left = false;
        // Many may end together, with the worker: none waits in a thread until its client has gone.
        let fate = if is_whole { Fate::Closed } else { Fate::Dropped };
        self.ending.after_at_once(conn, fate, Unread::Unknown)
    }
}

fn line(target: &str) -> String {
    format!("{METHOD} {target}")
}

/// Of a handshake.
const METHOD: &str = "GET";
