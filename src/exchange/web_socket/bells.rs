//! Who waits for a connection by a descriptor of its own, as event loops do that run other things meanwhile: it is
//! made readable once what is waited for may be there.

use std::sync::{Arc, Weak};

use unicoro_sys::event_fd::EventFd;

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaits {
    /// A message, or the end.
    Message,
    /// Room for more to be sent, or the end.
    Room,
}

/// All who wait so; each is told once. Weak: who waits no more, for whatever reason, says nothing.
#[derive(Default)]
pub struct Bells(Vec<(Awaits, Weak<EventFd>)>);

impl Bells {
    /// One more waits.
    pub fn add(&mut self, awaits: Awaits, bell: &Arc<EventFd>) {
        self.0.retain(|(_, bell)| bell.strong_count() > 0);
        self.0.push((awaits, Arc::downgrade(bell)));
    }

    /// Whether nobody does.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether somebody waits for a message.
    pub fn has_receiver(&self) -> bool {
        self.0.iter().any(|(awaits, bell)| *awaits == Awaits::Message && bell.strong_count() > 0)
    }

    /// Tells those for whom it `is_there`.
    pub fn ring(&mut self, is_there: impl Fn(Awaits) -> bool) {
        self.0.retain(|(awaits, bell)| {
            let rings = is_there(*awaits);
            if rings && let Some(bell) = bell.upgrade() {
                bell.raise();
            }
            !rings
        });
        if self.0.is_empty() {
            // An idle connection keeps no memory for it.
            self.0 = Vec::new();
        }
    }
}
