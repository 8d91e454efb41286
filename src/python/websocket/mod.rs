//! `environ["unicoro.websocket"]`, and the module `unicoro.websocket`.

pub mod handle;
pub mod module;
pub mod outgoing;
