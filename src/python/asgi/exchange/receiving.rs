//! What the application receives of a request that speaks HTTP.

use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use unicoro_contract::buffers;

use super::Exchange;
use super::event::{body, disconnect};
use crate::exchange::{BodyFailure, Unread};

/// The most of a body in one message.
const STEP: usize = 64 * 1024;

impl Exchange {
    /// The next message, or `None`: nothing has come, and it is watched for.
    pub(super) fn next_message<'py>(
        &mut self,
        py: Python<'py>,
    ) -> PyResult<Option<Bound<'py, PyDict>>> {
        if let Some(message) = self.taken_back.pop_front() {
            return Ok(Some(message.into_bound(py)));
        }
        if self.speech.is_some() {
            return self.next_spoken(py);
        }
        let Some(opened) = &mut self.opened else { return disconnect(py).map(Some) };
        if opened.response.has_ended() || opened.response.breakage().is_some() {
            return disconnect(py).map(Some);
        }
        if !self.has_body {
            let Unread::Behind(reader) = &mut opened.unread else {
                self.has_body = true;
                return body(py, b"", false).map(Some);
            };
            let mut data = buffers::take();
            let read = reader.read_now(STEP, &mut data);
            let message = match read {
                Ok(None) => None,
                Ok(Some(_)) => {
                    self.has_body = reader.is_done();
                    // Another task of the application may wait for room.
                    let is_for_room = opened.response.awaits_client() || !self.sending.is_empty();
                    if let Some(wait) = self.waits.take_if(|_| !is_for_room) {
                        // If it was too slow, the next look finds it given up.
                        reader.is_given_up(Duration::ZERO, wait.looked.elapsed());
                    }
                    Some(body(py, &data, !self.has_body)?)
                }
                Err(failure) => {
                    self.is_body_broken = true;
                    self.refuse_body(py, &failure);
                    Some(disconnect(py)?)
                }
            };
            buffers::give(data);
            if message.is_none() {
                self.wait_for_client(py)?;
            }
            return Ok(message);
        }
        if opened.connection.stream.is_hung_up() {
            return disconnect(py).map(Some);
        }
        self.watch();
        Ok(None)
    }

    /// The client is told its fault now: most applications make a 500 of their own of a client that has left.
    fn refuse_body(&mut self, py: Python<'_>, failure: &BodyFailure) {
        let line = self.line();
        let Some(opened) = &mut self.opened else { return };
        if let (Some(status), false) = (failure.status(), opened.response.has_begun()) {
            log::info!("{line}: {failure}");
            opened.response.refuse(status, "");
            self.is_body_refused = true;
            drop(self.finish(py));
        }
    }
}
