//! How long connections go on that have no end of their own when their worker ends.

use std::time::Duration;

use crate::config::Settings;

/// By the settings: `long_connection_grace`, with something left of `graceful_timeout` for the applications
/// to hear of it, and for clients to go.
pub fn grace(settings: &Settings) -> Duration {
    let graceful = settings.graceful_timeout;
    settings.websockets.grace.min(graceful.saturating_sub(GOODBYE.min(graceful / 2)))
}

const GOODBYE: Duration = Duration::from_secs(2);
