//! What every engine does with a connection that nobody serves: take what has come, until there is a
//! request, or nothing more.

use std::time::Instant;

use crate::{AfterRead, Connection, Handler, Received};

/// Takes what has come. Parked is a connection of which nothing more is there; until `until`, if
/// nothing has come at all. What was left to who speaks on it is received there.
pub fn take_in(
    handler: &dyn Handler,
    connection: &mut Connection,
    mut until: Option<Instant>,
) -> AfterRead {
    if connection.is_left {
        return handler.read(connection);
    }
    let mut unread = !connection.inbox.is_empty();
    loop {
        if unread {
            match handler.read(connection) {
                AfterRead::Park { until: deadline } => until = deadline,
                after => return after,
            }
        }
        if !connection.stream.may_be_readable() {
            return AfterRead::Park { until };
        }
        match connection.receive() {
            Ok(Received::Bytes(_)) => unread = true,
            Ok(Received::Nothing) if connection.stream.is_hung_up() => return AfterRead::Close,
            Ok(Received::Nothing) => return AfterRead::Park { until },
            Ok(Received::End) | Err(_) => return AfterRead::Close,
        }
    }
}

/// The deadline of a parked connection has passed at `now`. Bytes may have come that no event has
/// told of yet: closing over them would reset a request.
pub fn last_look(handler: &dyn Handler, connection: &mut Connection, now: Instant) -> AfterRead {
    connection.stream.note_readable(false);
    match take_in(handler, connection, Some(now)) {
        AfterRead::Park { until: Some(until) } if until <= now => handler.expired(connection),
        after => after,
    }
}
