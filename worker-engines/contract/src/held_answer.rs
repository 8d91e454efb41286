//! What a stream knows of an answer that the engine holds for it (see [`Outbox`](crate::Outbox)), and of
//! the part of one that its client has not taken.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::Tempo;

/// An answer on its way, if there is one. Any thread may ask.
#[derive(Default)]
pub struct HeldAnswer {
    stands_in_outbox: AtomicBool,
    has_unsent: AtomicBool,
    unsent: Mutex<Unsent>,
}

/// What the client has not taken yet of an answer, and how slowly it may.
#[derive(Default)]
pub struct Unsent {
    /// At least one byte, unless there is none.
    pub bytes: Vec<u8>,
    /// The client's.
    pub tempo: Tempo,
}

impl HeldAnswer {
    /// An answer is put into an outbox.
    pub fn begin(&self) {
        self.stands_in_outbox.store(true, Ordering::SeqCst);
    }

    /// Whether one stands there, or has left it and is being sent.
    pub fn is_on_its_way(&self) -> bool {
        self.stands_in_outbox.load(Ordering::SeqCst)
    }

    /// It was sent, but for `unsent`.
    pub fn end(&self, unsent: Unsent) {
        if !unsent.bytes.is_empty() {
            *self.unsent.lock().unwrap_or_else(PoisonError::into_inner) = unsent;
            self.has_unsent.store(true, Ordering::Relaxed);
        }
        self.stands_in_outbox.store(false, Ordering::Release);
    }

    /// Whether a part of one is still to be sent.
    pub fn has_unsent(&self) -> bool {
        self.has_unsent.load(Ordering::Relaxed)
    }

    /// Takes that part: by who sends it.
    pub fn take_unsent(&self) -> Option<Unsent> {
        self.has_unsent
            .swap(false, Ordering::Relaxed)
            .then(|| mem::take(&mut *self.unsent.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}
