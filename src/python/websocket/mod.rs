//! `environ["unicoro.websocket"]`, and the module `unicoro.websocket`.

pub mod handle;
mod in_hub;
pub mod module;
pub mod outgoing;
