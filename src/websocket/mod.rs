//! WebSocket as pure functions of bytes: the handshake, frames and messages (RFC 6455), and their
//! compression (RFC 7692).
//!
//! As [`crate::http`], it knows no descriptor, no clock and no Python. It reads a client's side and makes the
//! server's. A connection goes through it like this:
//!
//! ```text
//! Head ─► Upgrade ─► answer: 101 and Parameters ─► Decoder, Encoder
//! bytes in ─► Decoder ─► Event: Message, Ping, Pong, Close
//!                └─ Failure ─► Close ─► bytes out, then close
//! Data ─► Encoder ─► Framed ─► bytes out;   Prepared ─► each client's Encoder ─► the same bytes out
//! ```
//!
//! A connection that is idle costs what a [`Decoder`] and an [`Encoder`] are, some hundred bytes, unless it
//! agreed on context takeover and has used it.

#[cfg(test)]
mod client;
mod close;
pub mod close_code;
mod control;
mod control_payload;
mod decoder;
mod deflater;
mod encoder;
mod event;
mod extension;
mod failure;
mod frame;
mod handshake;
mod incoming;
mod inflater;
pub mod mask;
mod message;
mod parameters;
mod policy;
mod pool;
mod prepared;
mod utf8;

pub use close::{Close, CloseError};
pub use control::{close, ping, pong};
pub use control_payload::ControlPayload;
pub use decoder::Decoder;
pub use deflater::Deflater;
pub use encoder::{Encoder, Framed};
pub use event::Event;
pub use failure::Failure;
pub use frame::{ClientHeader, Opcode, ServerHeader};
pub use handshake::{AnswerError, Refusal, Upgrade};
pub use inflater::Inflater;
pub use message::{Data, Kind, Message};
pub use parameters::Parameters;
pub use policy::Policy;
pub use pool::Pool;
pub use prepared::Prepared;
