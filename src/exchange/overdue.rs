//! A request that has taken longer than it may: its client is answered in the application's place.

use std::time::Duration;

use unicoro_contract::Stream;

use super::date::date;
use super::response::OVERDUE;
use crate::http::refusal;

/// Answers 504 if nothing was answered yet, and ends the connection, unless the client has its answer and
/// may have sent the next request. The application's own response finds out when it begins
/// ([`Breakage::Overdue`](super::Breakage)). Does not wait.
pub fn end_overdue(stream: &Stream, line: &str, timeout: Duration) {
    let timeout = timeout.as_secs_f64();
    if let Some(upgraded) = stream.upgraded() {
        log::warn!(
            "{line} has exceeded request_timeout ({timeout} s) in a callback of its WebSocket"
        );
        upgraded.overdue();
    } else if stream.take_response() {
        log::warn!("{line} has exceeded request_timeout ({timeout} s); its client got {OVERDUE}");
        stream.part(&refusal(OVERDUE, "", &[], &date(), false));
    } else if stream.has_ended_response() {
        log::warn!("{line} has exceeded request_timeout ({timeout} s) behind its answer");
    } else {
        log::warn!(
            "{line} has exceeded request_timeout ({timeout} s) while its response was sent; the connection is closed"
        );
        stream.part(b"");
    }
}
