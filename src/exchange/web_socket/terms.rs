//! What holds for all WebSocket connections of a worker, by the settings.

use std::sync::Arc;
use std::time::Duration;

use super::roused::Roused;
use crate::websocket::Pool;

/// How connections are spoken on.
pub struct Terms {
    /// Bytes of a client's message, uncompressed.
    pub longest: usize,
    /// Bytes that may wait for the client, and for the application.
    pub queue: usize,
    /// What messages are compressed with; `None`: they are not.
    pub pool: Option<Arc<Pool>>,
    /// How long a client says nothing before it is asked whether it is there.
    pub ping_interval: Option<Duration>,
    /// How long it may say nothing then.
    pub ping_timeout: Option<Duration>,
    /// How long a client may take nothing of what is sent to it.
    pub send_idle: Option<Duration>,
    /// Those that were left and are to be looked at.
    pub roused: Roused,
}

#[cfg(test)]
impl Terms {
    /// Nobody is asked whether he is there, and `bytes` is the most of all.
    pub fn patient(bytes: usize) -> Self {
        let engine = unicoro_contract::Stop::new().expect("an eventfd");
        Terms {
            longest: bytes,
            queue: bytes,
            pool: None,
            ping_interval: None,
            ping_timeout: None,
            send_idle: None,
            roused: Roused::new(Arc::new(engine)),
        }
    }
}
