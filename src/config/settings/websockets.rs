//! What WebSocket connections are spoken with.

use std::time::Duration;

use super::winners::{Winners, none_if_zero};
use crate::config::error::ConfigError;

/// How messages are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebSocketCompression {
    /// They are not.
    Off,
    /// Each by itself.
    Message,
    /// With references to earlier ones.
    Context,
}

/// The settings about WebSocket connections.
#[derive(Debug, Clone, PartialEq)]
pub struct WebSocketSettings {
    /// Bytes of a client's message, uncompressed; `usize::MAX`: no limit.
    pub max_message_size: usize,
    /// Bytes that may wait, each way.
    pub queue: usize,
    /// How messages are compressed.
    pub compression: WebSocketCompression,
    /// `None`: no pings.
    pub ping_interval: Option<Duration>,
    /// `None`: a client may be silent for ever.
    pub ping_timeout: Option<Duration>,
    /// How long a worker that is replaced keeps them, and one that ends its streams.
    pub grace: Duration,
}

/// Resolves the settings about WebSocket connections.
pub fn resolve(winners: &Winners<'_>) -> Result<WebSocketSettings, ConfigError> {
    Ok(WebSocketSettings {
        max_message_size: none_if_zero(winners.int("websocket_max_message_size")?)
            .unwrap_or(usize::MAX),
        queue: winners.int("websocket_queue")?,
        compression: match winners.text("websocket_compression")?.as_str() {
            "off" => WebSocketCompression::Off,
            "context" => WebSocketCompression::Context,
            _ => WebSocketCompression::Message,
        },
        ping_interval: winners.seconds("websocket_ping_interval")?,
        ping_timeout: winners.seconds("websocket_ping_timeout")?,
        grace: winners.seconds("long_connection_grace")?.unwrap_or_default(),
    })
}
