//! HUP: the next generation is read and bound, and what nobody needs any more is closed.

use std::path::Path;
use std::sync::Arc;

use unicoro_sys::process::Pid;

use super::Arbiter;
use super::generation::Generation;
use crate::logging;
use crate::supervisor::pidfile::{PidFile, second_pidfile};
use crate::supervisor::plan::Event;

impl Arbiter<'_> {
    pub(super) fn reload(&mut self) {
        reopen_logs();
        self.newest_generation += 1;
        let number = self.newest_generation;
        let result = Generation::reload(self.host, number, &self.generations).map(|generation| {
            let terms = generation.options.terms(number);
            let addresses = generation.addresses();
            if self.generations.iter().all(|known| known.addresses() != addresses) {
                log::info!("Listening at: {addresses} ({})", Pid::me());
            }
            self.generations.push(generation);
            terms
        });
        self.later.push_back(Event::Reloaded(result));
    }

    /// Our copies. The workers empty the queues and close the last ones.
    pub(super) fn close_listeners(&mut self) {
        if !self.lineage.is_shared() {
            self.listeners().for_each(|listener| listener.admit_no_more());
            // Those that are on their way out for a reload hear it too.
            self.children.iter().for_each(|child| child.slot.set_last());
        }
        self.generations.iter_mut().for_each(|generation| generation.listeners.clear());
    }

    /// Listeners that only a forgotten generation had are closed here.
    pub(super) fn settle(&mut self, number: u64) {
        let forgotten: Vec<_> =
            self.generations.extract_if(.., |generation| generation.number != number).collect();
        let is_kept = |listener| self.listeners().any(|kept| Arc::ptr_eq(kept, listener));
        for listener in forgotten.iter().flat_map(|generation| &generation.listeners) {
            if !self.lineage.is_shared() && !is_kept(listener) {
                listener.admit_no_more();
            }
        }
        drop(forgotten);
        self.host.settled(number);
        let wanted = self.generations.first().and_then(|first| first.options.pidfile.clone());
        let has = self.pidfile.as_ref().map(|file| file.path().to_owned());
        let wanted = match self.lineage.parent {
            Some(_) => wanted.map(|path| second_pidfile(&path)),
            None => wanted,
        };
        let wanted = wanted.and_then(|path| std::path::absolute(path).ok());
        if wanted != has {
            self.move_pidfile(wanted.as_deref());
        } else if let Some(Err(error)) = self.pidfile.as_ref().map(PidFile::renew) {
            log::error!("{error}");
        }
    }

    /// A reload changed the setting. The new one first; on an error the old one stays.
    pub(super) fn move_pidfile(&mut self, wanted: Option<&Path>) {
        let new = match wanted.map(PidFile::create).transpose() {
            Ok(new) => new,
            Err(error) => return log::error!("{error}"),
        };
        if let Some(old) = std::mem::replace(&mut self.pidfile, new) {
            old.remove();
        }
    }
}

/// Ours; each worker reopens its own.
pub(super) fn reopen_logs() {
    if let Err(error) = logging::reopen() {
        log::error!("{error}");
    }
}
