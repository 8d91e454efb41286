//! A client's connection between two calls of the handler.

use std::any::Any;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Instant;

use unicoro_sys::address::SocketAddress;

use crate::{EngineListener, Inbox, Received, Stream, Waiter};

/// One client: its socket, what it has sent, and what the handler remembers of it.
pub struct Connection {
    /// The socket, shared with whoever serves the request right now.
    pub stream: Arc<Stream>,
    /// Received and not yet consumed.
    pub inbox: Inbox,
    /// The client's end.
    pub peer: SocketAddress,
    /// Our end.
    pub local: SocketAddress,
    /// How far into the inbox the handler has looked; the handler's own.
    pub scanned: usize,
    /// How long the head is that it has found there; the handler's own.
    pub head: Option<usize>,
    /// When what has begun to come must have come whole; the handler's own.
    pub deadline: Option<Instant>,
    /// Requests served so far; the handler's own.
    pub served: u64,
    /// The last request is over and done with, and another may come: the handler says so.
    pub is_kept: bool,
    /// It speaks no HTTP any more and waits for its next message: who speaks on it ([`crate::Upgraded`])
    /// receives and decides how long. Neither its idleness nor the end of the worker closes it, and it makes
    /// no room for others. The handler says so.
    pub is_left: bool,
    /// It is parted with as soon as its client has what is left of its last answer: it is served for that
    /// alone. The engine says so.
    pub is_parting: bool,
    /// What few connections need to be remembered of them; the handler's own.
    pub memory: Option<Box<dyn Any + Send + Sync>>,
}

impl Connection {
    /// A connection that `listener` has just accepted.
    #[must_use]
    pub fn new(
        listener: &EngineListener,
        fd: OwnedFd,
        peer: SocketAddress,
        key: usize,
        waiter: &'static dyn Waiter,
    ) -> Self {
        let local = listener.local_of(fd.as_fd());
        Self {
            stream: Arc::new(Stream::new(fd, key, waiter)),
            inbox: Inbox::default(),
            peer,
            local,
            scanned: 0,
            head: None,
            deadline: None,
            served: 0,
            is_kept: false,
            is_left: false,
            is_parting: false,
            memory: None,
        }
    }

    /// Whether it waits for its next request, of which nothing has come.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.is_kept && self.inbox.is_empty()
    }

    /// Receives once, without waiting.
    ///
    /// # Errors
    /// recv(2).
    pub fn receive(&mut self) -> std::io::Result<Received> {
        self.stream.receive(&mut self.inbox)
    }
}
