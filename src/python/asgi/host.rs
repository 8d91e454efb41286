//! What the loop asks of its worker, which knows rules, logs and the end of connections.

use std::sync::Arc;
use std::time::{Duration, Instant};

use unicoro_contract::Connection;

use crate::exchange::{Place, Response, Streams, Unread, WebSockets};
use crate::http::Head;

/// A request that has begun.
pub struct Opened {
    /// Its connection.
    pub connection: Box<Connection>,
    /// The head, as it was parsed.
    pub head: Arc<[u8]>,
    /// Its answer.
    pub response: Response,
    /// Its body.
    pub unread: Unread,
    /// When its head was whole.
    pub began: Instant,
    /// Where it stands among those in progress; the worker's own.
    pub place: Option<usize>,
}

/// The worker. Nothing of it waits.
pub trait Host: Send + Sync {
    /// Looks at a connection whose head was whole when it `came`: has `begin` begin the request, or gives the connection
    /// back.
    fn open(
        &self,
        connection: Box<Connection>,
        came: Instant,
        begin: &mut dyn FnMut(&Head<'_>, &Place<'_>, Opened),
    );

    /// The client has its answer, as far as it gets one: logs it, and gives the connection back.
    fn answered(&self, opened: Opened);

    /// The WebSockets.
    fn sockets(&self) -> &WebSockets;

    /// The streams.
    fn streams(&self) -> &Streams;

    /// How long a request may take.
    fn request_timeout(&self) -> Option<Duration>;
}
