//! A message: what an application sends or receives as one (RFC 6455, 1.2 and 5.6).

use super::frame::Opcode;

/// What a message holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Valid UTF-8.
    Text,
    /// Any bytes.
    Binary,
}

impl Kind {
    /// The opcode of a message's first frame.
    pub fn opcode(self) -> Opcode {
        match self {
            Kind::Text => Opcode::Text,
            Kind::Binary => Opcode::Binary,
        }
    }
}

/// A message that has come whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What `data` holds; text has been checked.
    pub kind: Kind,
    /// The data, unmasked and inflated. Bytes for text too: Python makes its own string of them.
    pub data: Vec<u8>,
}

/// A message to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data<'d> {
    /// A text message.
    Text(&'d str),
    /// A binary message.
    Binary(&'d [u8]),
}

impl<'d> Data<'d> {
    /// Which of both it is.
    pub fn kind(self) -> Kind {
        match self {
            Data::Text(_) => Kind::Text,
            Data::Binary(_) => Kind::Binary,
        }
    }

    /// The bytes that are sent.
    pub fn bytes(self) -> &'d [u8] {
        match self {
            Data::Text(text) => text.as_bytes(),
            Data::Binary(bytes) => bytes,
        }
    }
}
