//! Closing a connection on which unread bytes may wait, so that the answer is not lost.
//!
//! A close with unread bytes is a reset, and a reset makes the client throw away what it has not
//! read yet (RFC 9112, 9.6). So: say that no more will be sent, and read until the client closes
//! too, within bounds.

use std::time::{Duration, Instant};

use unicoro_contract::{Inbox, Received, Stream};

/// How long a client may take to close.
const PATIENCE: Duration = Duration::from_secs(2);
/// What is read of a body that nobody wants.
const MOST: usize = 1024 * 1024;

/// Waits until the client has closed, or has had its chance.
pub fn linger(stream: &Stream, inbox: &mut Inbox) {
    stream.finish_sending();
    let deadline = Instant::now() + PATIENCE;
    let mut read = 0;
    while read < MOST {
        inbox.consume(usize::MAX);
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        match stream.receive_wait(inbox, Some(left)) {
            Ok(Received::Bytes(count)) => read += count,
            _ => return,
        }
    }
}
