//! WebSockets: what an application has in `environ["unicoro.websocket"]`, and what becomes of the
//! connection.

mod callbacks;
mod conformity;
mod ending;
mod gevents;
mod handshake;
mod limits;
mod messages;
mod streams;
