//! What the resident, a green thread of the handler's own, says to the engine: of the connections that it
//! was handed ([`Handler::hand_over`](crate::Handler::hand_over)), and of what may wait in its place.

use std::sync::{Arc, OnceLock};

use crate::{AfterServe, Connection, Stream};

/// What the resident says.
pub enum ResidentsWord {
    /// The request of a connection is over.
    Over(Box<Connection>, AfterServe),
    /// A request is not for the resident: `serve` is to be called.
    NotMine(Box<Connection>),
    /// [`Handler::ready`](crate::Handler::ready) is to be called with this number once there is something
    /// to receive, or room to send.
    Watch(Arc<Stream>, u64),
    /// A green thread is to do this, which may wait.
    Task(GreenTask),
}

/// What a green thread is to do that serves no request.
pub type GreenTask = Box<dyn FnOnce() + Send>;

/// Who hears it; set once, by the engine of the process.
static HEARD_BY: OnceLock<fn(ResidentsWord)> = OnceLock::new();

/// From now on this hears what is said.
pub fn hear_resident_by(hear: fn(ResidentsWord)) {
    HEARD_BY.get_or_init(|| hear);
}

/// The resident says something. Without an engine that has one, nobody hears it.
pub fn tell_engine(word: ResidentsWord) {
    if let Some(hear) = HEARD_BY.get() {
        hear(word);
    }
}
