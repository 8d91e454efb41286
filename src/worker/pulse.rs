//! How the engine's life shows outside: at the desk, and by the word to the supervisor that the worker is ready,
//! which is the engine's to give. What stands in its way is a failed start then, and no death.

use std::sync::{Arc, Mutex, PoisonError};

use unicoro_contract::{CurrentRequest, Pulse};
use unicoro_sys::shortage::Explained;

use super::desk::Desk;
use super::reloader::Reloader;
use crate::supervisor::Station;

/// A worker's pulse.
pub struct WorkerPulse {
    station: Arc<Station>,
    desk: Desk,
    /// To be started once the worker is ready: it may ask for a successor at once.
    reloader: Mutex<Option<Reloader>>,
}

impl WorkerPulse {
    /// Of the worker that has this station.
    pub fn new(station: &Arc<Station>, reloader: Option<Reloader>) -> Self {
        let (station, desk) = (Arc::clone(station), Desk::new(station.slot));
        Self { station, desk, reloader: Mutex::new(reloader) }
    }
}

impl Pulse for WorkerPulse {
    fn begins(&self) {
        self.station.ready();
        let reloader = self.reloader.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(error)) = reloader.map(|reloader| reloader.start(&self.station)) {
            log::error!("no change of a file will be noticed: {}", Explained(&error));
        }
    }

    fn beat(&self) {
        self.desk.beat();
    }

    fn running(&self, request: Option<&CurrentRequest>) {
        self.desk.running(request);
    }
}
