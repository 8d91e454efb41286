//! What a client may still send of a request: it decides where the next one begins.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::reader::Reader;

/// What a client may still send of a request that was answered.
pub enum Unread {
    /// Nothing: it has no body.
    Nothing,
    /// What this has not read. In a box, because few requests have a body.
    Behind(Box<Reader>),
    /// Nobody knows: the head was refused, or the application has the reader.
    Unknown,
}

impl Unread {
    /// Lends the reader to the application.
    pub fn lend(&mut self) -> Option<Box<Reader>> {
        match mem::replace(self, Self::Unknown) {
            Self::Behind(reader) => Some(reader),
            known => {
                *self = known;
                None
            }
        }
    }

    /// Takes the reader back; `None`: there was none, or a thread of the application's is reading.
    pub fn give_back(&mut self, reader: Option<Box<Reader>>) {
        if let Some(reader) = reader {
            *self = Self::Behind(reader);
        }
    }

    /// Whether the client waits to hear that it may send its body, if it does now.
    #[must_use]
    pub fn continue_due(&self) -> Option<Arc<AtomicBool>> {
        match self {
            Self::Behind(reader) if reader.owes_continue() => Some(reader.continue_due()),
            _ => None,
        }
    }
}
