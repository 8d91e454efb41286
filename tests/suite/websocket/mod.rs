//! WebSockets: what an application has in `environ["unicoro.websocket"]`, and what becomes of the
//! connection.

mod handshake;
mod messages;
