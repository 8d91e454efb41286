//! What the worker lays open in the shared page: heartbeat, and the requests in progress.

use std::time::Instant;

use unicoro_contract::{CurrentRequest, Pulse, begin_current, end_current};
use unicoro_sys::clock::Moment;

use crate::supervisor::scoreboard::Slot;

/// A worker's slot, as its engine and its handler see it.
#[derive(Clone, Copy)]
pub struct Desk(&'static Slot);

impl Desk {
    /// The worker's own slot.
    pub fn new(slot: &'static Slot) -> Self {
        Self(slot)
    }

    /// A request has begun at `began`; it is in progress until the answer is dropped.
    pub fn begin(self, method: &str, target: &str, began: Instant) -> InProgress {
        let write = |line: &mut String| [method, " ", target].iter().for_each(|word| *line += word);
        let place = begin_current(began, write, |request| {
            let (line, since) = (request.line.as_bytes(), Moment::lately());
            self.0.set_current(line, since);
            self.0.begin(line, since)
        });
        InProgress { desk: self, place }
    }

    /// One of many that an event loop serves has begun; where it stands until
    /// [`end_beside`](Self::end_beside).
    pub fn begin_beside(self, method: &str, target: &str) -> Option<usize> {
        self.0.begin([method, " ", target].concat().as_bytes(), Moment::lately())
    }

    /// It has ended.
    pub fn end_beside(self, place: Option<usize>) {
        self.0.end(place);
    }

    /// Whether the server stops, and nobody takes the worker's place.
    pub fn is_last(self) -> bool {
        self.0.is_last()
    }

    /// What runs now, with its age.
    pub fn current(self) -> Option<String> {
        self.0.current()
    }
}

/// A request that has begun and not ended.
pub struct InProgress {
    desk: Desk,
    /// Where its line stands.
    place: Option<usize>,
}

impl Drop for InProgress {
    fn drop(&mut self) {
        end_current();
        self.desk.0.clear_current();
        self.desk.0.end(self.place);
    }
}

impl Pulse for Desk {
    fn beat(&self) {
        self.0.beat();
    }

    fn running(&self, request: Option<&CurrentRequest>) {
        match request {
            Some(request) => {
                let since = Moment::now().before(request.began.elapsed());
                self.0.set_current(request.line.as_bytes(), since);
            }
            None => self.0.clear_current(),
        }
    }
}
