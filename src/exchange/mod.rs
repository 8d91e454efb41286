//! A request and its response on a connection: what knows bytes and sockets, and no Python.
//!
//! `http` says what bytes mean. Here they are received and sent, and it is decided what becomes of the
//! connection. Whoever asks an application (`python::wsgi`) only translates.
//!
//! ```text
//!   worker ─► Reader ◄─── the application reads the body
//!         └─► Response ◄─ it begins, sends, ends ─► Answer: what the logs say
//!                                                └► Fate ─► Ending: kept, swept clean, closed
//! ```

mod answer;
mod body_failure;
mod breakage;
mod date;
mod ending;
mod fate;
mod grace;
mod left;
mod leftover;
mod memory;
mod overdue;
mod place;
mod preface;
mod reader;
mod response;
mod streams;
mod unread;
mod web_socket;
mod web_sockets;
mod wrong_length;

pub use answer::Answer;
pub use body_failure::BodyFailure;
pub use breakage::Breakage;
pub use date::date;
pub use ending::Ending;
pub use fate::Fate;
pub use grace::grace;
pub use left::Left;
pub use memory::Memory;
pub use overdue::end_overdue;
pub use place::Place;
pub use preface::take_preface;
pub use reader::{BodyRules, Reader};
pub use response::{OVERDUE, Response, SWITCHED, Stretch};
pub use streams::{Streaming, Streams};
pub use unread::Unread;
pub use web_socket::{Call, Callbacks, Closed, NotLeft, Outgoing, Unreceived, WebSocket};
pub use web_sockets::WebSockets;
pub use wrong_length::WrongLength;
