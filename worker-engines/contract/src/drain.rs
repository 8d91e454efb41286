//! How a worker that ends parts with clients that are between two requests.
//!
//! ```text
//!   last answer        asked to end
//!   ──┴── idle ─────────────┴──────────────┐ closed, if nothing has come
//!     └─────────────── grace ──────────────┘
//!                           next request ──► answered with "Connection: close"
//! ```
//!
//! HTTP/1.1 tells a client that no more is taken only in an answer. A client that sends its next
//! request at the moment in which its idle connection is closed gets none, and may not repeat every
//! request (RFC 9112, 9.3.1). So a connection that was used just now is kept for a moment longer:
//! who has more to ask asks soon. One that has been idle for longer is closed at once, after a look
//! for bytes, so that a stop without lively clients takes no time.

use std::time::{Duration, Instant};

use crate::Connection;

/// How long a connection must have been idle before a worker that ends closes it. Clients that ask
/// one thing after the other need milliseconds, across continents some hundred; and nobody minds a
/// stop that takes a second.
pub const GRACE: Duration = Duration::from_secs(1);

/// Until when a worker that ends waits for more from a client that has sent no whole request, and
/// would be waited for until `until`. `None`: no longer.
#[must_use]
pub fn patience(
    connection: &mut Connection,
    idle_since: Instant,
    until: Option<Instant>,
    grace: Duration,
) -> Option<Instant> {
    let now = Instant::now();
    let end = if connection.inbox.is_empty() {
        idle_since + grace
    } else {
        // The rest of a head is on its way. Remembered, so that a byte now and then gains no time.
        let soon = now + grace;
        *connection.deadline.insert(connection.deadline.map_or(soon, |deadline| deadline.min(soon)))
    };
    let end = until.map_or(end, |until| until.min(end));
    (end > now).then_some(end)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;
    use crate::{BlockingWaiter, EngineListener};

    /// A connection, with the client's end of it.
    fn connection() -> (Connection, UnixStream) {
        let path = std::env::temp_dir().join(format!("unicoro-drain-{}", std::process::id()));
        let thread = format!("{:?}", std::thread::current().id());
        let path = path.with_extension(thread);
        let listener = UnixListener::bind(&path).unwrap();
        let client = UnixStream::connect(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        let listener = EngineListener::new(listener.into()).unwrap();
        let (fd, peer) = listener.accept().unwrap();
        (Connection::new(&listener, fd, peer, 0, &BlockingWaiter), client)
    }

    #[test]
    fn who_was_served_just_now_gets_the_grace_and_who_is_idle_for_longer_gets_none() {
        let (mut connection, _client) = connection();
        let now = Instant::now();
        let end = patience(&mut connection, now, None, GRACE);
        assert_eq!(end, Some(now + GRACE));
        let Some(long_ago) = now.checked_sub(GRACE) else { return };
        assert_eq!(patience(&mut connection, long_ago, None, GRACE), None);
        let later = now + 100 * GRACE;
        assert_eq!(patience(&mut connection, long_ago, Some(later), GRACE), None);
    }

    #[test]
    fn the_rest_of_a_head_is_waited_for_once() {
        use std::io::Write;
        let (mut connection, mut client) = connection();
        let Some(long_ago) = Instant::now().checked_sub(GRACE) else { return };
        client.write_all(b"GET").unwrap();
        connection.receive().unwrap();
        let end = patience(&mut connection, long_ago, None, GRACE);
        assert!(end > Some(Instant::now()));
        client.write_all(b" /").unwrap();
        connection.receive().unwrap();
        assert_eq!(patience(&mut connection, long_ago, None, GRACE), end);
    }
}
