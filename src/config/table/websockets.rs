//! WebSocket connections, as `environ["unicoro.websocket"]` has them. Data only.

use super::row::{MAX_SECONDS, ROW, flag};
use super::setting::{Kind, Preset, Section, Setting};

/// 1 GiB: what an application that asks for it may bear.
const MAX_MESSAGE: i64 = 1 << 30;

/// In the order of the help.
pub const ROWS: &[Setting] = &[
    Setting {
        name: "websocket_max_message_size",
        section: Section::WebSockets,
        spelling: flag(&["websocket-max-message-size"]),
        metavar: "BYTES",
        kind: Kind::Bytes { min: 0, max: MAX_MESSAGE, multiple: 1 },
        default: Preset::Int(16 << 20),
        doc: "Longest message of a client's in bytes, uncompressed, or with the suffix K or M. A longer \
              one closes the connection with 1009, as soon as it is announced. 0 means no limit.",
        ..ROW
    },
    Setting {
        name: "websocket_queue",
        section: Section::WebSockets,
        spelling: flag(&["websocket-queue"]),
        metavar: "BYTES",
        kind: Kind::Bytes { min: 0, max: MAX_MESSAGE, multiple: 1 },
        default: Preset::Int(64 << 10),
        doc: "Bytes that may wait in a worker for each connection and direction, or with the suffix K or \
              M: messages that the client has not taken, before send() waits, and messages that the \
              application has not received, before nothing more is read.",
        ..ROW
    },
    Setting {
        name: "websocket_compression",
        section: Section::WebSockets,
        spelling: flag(&["websocket-compression"]),
        metavar: "WORD",
        kind: Kind::Choice(&["off", "message", "context"]),
        default: Preset::Str("message"),
        doc: "Whether messages are compressed for clients that can (permessage-deflate): off, message \
              compresses each of 1024 bytes or more by itself, context lets messages refer to earlier \
              ones, for up to 340 KiB of memory for each connection.",
        ..ROW
    },
    Setting {
        name: "websocket_ping_interval",
        section: Section::WebSockets,
        spelling: flag(&["websocket-ping-interval"]),
        metavar: "SECONDS",
        kind: Kind::Seconds { max: MAX_SECONDS },
        default: Preset::Int(20),
        doc: "Seconds after which a client that has sent nothing is sent a ping; 0 sends none.",
        ..ROW
    },
    Setting {
        name: "websocket_ping_timeout",
        section: Section::WebSockets,
        spelling: flag(&["websocket-ping-timeout"]),
        metavar: "SECONDS",
        kind: Kind::Seconds { max: MAX_SECONDS },
        default: Preset::Int(20),
        doc: "Seconds that a client may send nothing behind a ping, before its connection is closed with \
              1006; 0 waits for ever.",
        ..ROW
    },
    Setting {
        name: "long_connection_grace",
        section: Section::WebSockets,
        spelling: flag(&["long-connection-grace"]),
        metavar: "SECONDS",
        kind: Kind::Seconds { max: MAX_SECONDS },
        default: Preset::Int(30),
        doc: "Seconds that a worker which is replaced (a reload, max_requests) keeps the WebSockets that \
              it has, before it closes them with 1001; never as long as graceful_timeout. When the server \
              stops they are closed at once. Streams (bodies that come piece by piece, such as \
              server-sent events) go on for as long at a stop too, and are cut off then.",
        ..ROW
    },
];
