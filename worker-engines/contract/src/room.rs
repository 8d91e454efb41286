//! Room for a new client when a worker has as many as it may have.
//!
//! A client that can be served must not wait for those who only hold connections. So a full worker
//! makes room for the one that waits. The friendly way comes first: as long as somebody waits, each
//! answer says `Connection: close` ([`crate::Handler::crowded`]), which breaks no request. Closed without
//! a word are those without a request in progress, the one that has been so the longest first: at
//! once who has sent nothing or half a head, and who waits for his next request only if somebody
//! waits still at the next look. Then clients that stall in the middle of a request. Never one whose
//! application is at work, and none that was idle and whose next request has begun to come meanwhile.

use std::time::Duration;

/// A connection whose request has not come whole may be closed after this long: a client that is not
/// idle has sent its head by then, unless it is a continent away and has lost a packet.
pub const IDLE_ENOUGH: Duration = Duration::from_millis(250);

/// The same for one that was served and waits for its next request: gunicorn's default `keepalive`, after
/// which it would be closed in any case.
pub const KEPT_ENOUGH: Duration = Duration::from_secs(2);

/// A client in the middle of a request may be given up when it was waited for this long in all, and
/// has not sent or taken [`PROGRESS`] meanwhile. The time that the application takes does not count.
pub const STALLED_ENOUGH: Duration = Duration::from_millis(500);

/// The same where a stalled client holds a thread that `queued` requests wait for, of `servers`, or one
/// of so many places: the longer the queue for each, the less patience there is, so that it stays short.
#[must_use]
pub fn stalled_enough(queued: usize, servers: usize) -> Duration {
    let queued_for_each = u32::try_from(queued / servers.max(1)).unwrap_or(u32::MAX);
    (STALLED_ENOUGH / queued_for_each.saturating_add(1)).max(STALLED_LEAST)
}

/// A round trip to another continent is no stall, however long the queue.
const STALLED_LEAST: Duration = Duration::from_millis(100);

/// Bytes that count as progress: with one byte now and then a client would never stall.
pub const PROGRESS: u64 = 4096;

/// How often a full worker looks whether somebody waits. Not at once: of several workers the one
/// with room takes the client meanwhile.
pub const LOOK: Duration = Duration::from_millis(100);

/// Stalled clients given up at a look where the kernel does not say how many wait.
pub const STALLED_UNASKED: usize = 8;

/// Connections closed at a look at most: others have their turn before the next.
pub const BATCH: usize = 64;

/// How often it is looked whether requests still wait for somebody who serves them.
pub const SERVERS_LOOK: Duration = Duration::from_millis(50);

/// So many looks in a row at which requests wait and none has ended: the worker stands still, and is
/// left no clients.
pub const STANDSTILL_LOOKS: u32 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_shrinks_with_the_queue_for_each_thread() {
        assert_eq!(stalled_enough(0, 4), STALLED_ENOUGH);
        assert_eq!(stalled_enough(3, 4), STALLED_ENOUGH);
        assert_eq!(stalled_enough(4, 4), STALLED_ENOUGH / 2);
        assert_eq!(stalled_enough(1000, 1), STALLED_LEAST);
    }
}
