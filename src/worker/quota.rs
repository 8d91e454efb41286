//! `max_requests`: after its share of requests a worker asks for a successor, and serves on until
//! the successor is ready (make before break).

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::config::Settings;
use crate::supervisor::Station;

/// How many requests are left, and the station that asks.
pub struct Quota {
    left: Option<AtomicU64>,
    station: Arc<Station>,
    is_retiring: AtomicBool,
}

impl Quota {
    /// The worker's share: `max_requests` and a random part of the jitter, so that workers which
    /// began together do not end together.
    pub fn new(settings: &Settings, station: Arc<Station>) -> Self {
        let share = settings.max_requests.map(|share| {
            // RandomState is seeded by the kernel, anew in each process.
            let random = RandomState::new().build_hasher().finish();
            share + random % (settings.max_requests_jitter + 1)
        });
        Self { left: share.map(AtomicU64::new), station, is_retiring: AtomicBool::new(false) }
    }

    /// A request has ended.
    pub fn use_one(&self) {
        let Some(left) = &self.left else { return };
        if left.fetch_sub(1, Ordering::Relaxed) == 1 {
            log::info!("max_requests reached: asking for a successor");
            self.retire();
        }
    }

    /// A hook wants the worker to be replaced.
    pub fn cancelled(&self) {
        if !self.is_retiring.load(Ordering::Relaxed) {
            log::info!("a hook has set worker.alive to False: asking for a successor");
            self.retire();
        }
    }

    /// A signal handler of the application's has asked to leave, and the worker does: the supervisor knows of it,
    /// and bears it no longer than `graceful_timeout` once there is a successor.
    pub fn left(&self) {
        if !self.is_retiring.load(Ordering::Relaxed) {
            log::info!("a signal handler has asked to leave: asking for a successor");
            self.retire();
        }
    }

    fn retire(&self) {
        if !self.is_retiring.swap(true, Ordering::Relaxed) {
            self.station.retiring();
        }
    }
}
