//! What comes of a client's bytes.

use super::close::Close;
use super::control_payload::ControlPayload;
use super::message::Message;

/// One thing that a client has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A whole message.
    Message(Message),
    /// To be answered by a pong with the same payload, unless a close frame was sent.
    Ping(ControlPayload),
    /// An answer to a ping, or a sign of life.
    Pong(ControlPayload),
    /// The client sends no more; to be answered by a close frame, unless one was sent. `None`: without
    /// a code.
    Close(Option<Close>),
}
