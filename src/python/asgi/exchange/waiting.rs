//! How a request waits for its client: watched by the engine, and looked after by the loop.

use std::mem;
use std::sync::Arc;
use std::time::Instant;

use pyo3::prelude::*;
use unicoro_contract::{ResidentsWord, Stream, tell_engine};

use super::futures::{is_done, wake};
use super::{Exchange, FAILED, Wait};
use crate::exchange::{Breakage, Unread};

impl Exchange {
    /// What was watched for has come, or may have.
    pub fn ready(&mut self, py: Python<'_>) {
        if self.socket().is_some() {
            return self.ready_to_speak(py);
        }
        (self.is_watched, self.is_told) = (false, false);
        self.send_rest(py);
        // Before anything of the language runs, which may give the lock, and with it the edge, away.
        self.watch_again();
        wake(py, &mut self.receiving);
    }

    /// Whether the client is waited for.
    pub fn waits_for_client(&self) -> bool {
        self.waits.is_some()
    }

    /// Gives a client up that was waited for too long.
    pub fn look_after(&mut self, py: Python<'_>, now: Instant) {
        let (Some(wait), Some(opened)) = (&mut self.waits, &mut self.opened) else { return };
        let stream = &opened.connection.stream;
        let progress = stream.progress();
        if progress != wait.progress {
            (wait.since, wait.progress) = (now, progress);
        }
        let idle = now.saturating_duration_since(wait.since);
        let waited = now.saturating_duration_since(mem::replace(&mut wait.looked, now));
        if opened.response.awaits_client() || !self.sending.is_empty() {
            let tempo = opened.response.tempo();
            let breakage = if tempo.idle.is_some_and(|most| idle >= most) {
                Breakage::Idle
            } else if !stream.keeps_pace(&tempo, waited) {
                Breakage::Slow
            } else {
                return;
            };
            opened.response.give_up(breakage, FAILED);
            self.lose_client(py);
        } else if self.receiving.iter().all(|future| is_done(future.bind(py))) {
            // Nobody waits any more.
            self.waits = None;
        } else if let Unread::Behind(reader) = &mut opened.unread
            && reader.is_given_up(idle, waited)
        {
            wake(py, &mut self.receiving);
        }
    }

    pub(super) fn wait_for_client(&mut self, py: Python<'_>) -> PyResult<()> {
        if self.socket().is_some() {
            // It tells us by itself, and is looked after with all others.
            return Ok(());
        }
        self.watch();
        if self.waits.is_some() {
            return Ok(());
        }
        let progress = self.opened.as_ref().map_or(0, |it| it.connection.stream.progress());
        let now = Instant::now();
        self.waits = Some(Wait { since: now, progress, looked: now });
        self.home.wait_for_client(py, self.number)
    }

    pub(super) fn watch(&mut self) {
        let Some(opened) = &self.opened else { return };
        if opened.response.is_interrupted() && !mem::replace(&mut self.is_told, true) {
            // It is not its client that it waits for, and no event of the socket will tell.
            self.home.tell(self.number);
        }
        self.watch_socket();
    }

    pub(super) fn watch_socket(&mut self) {
        let Some(opened) = &self.opened else { return };
        if !mem::replace(&mut self.is_watched, true) {
            let stream: &Arc<Stream> = &opened.connection.stream;
            tell_engine(ResidentsWord::Watch(Arc::clone(stream), self.number));
        }
    }

    /// Who has looked and found nothing asks for it again; not so what is left of an answer.
    fn watch_again(&mut self) {
        if self.opened.as_ref().is_some_and(|opened| opened.response.awaits_client()) {
            self.watch();
        }
    }
}
