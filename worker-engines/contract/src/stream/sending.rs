//! The sending end: what is sent at once, and an answer that is held to leave with others.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, RawFd};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use unicoro_sys::socket;

use super::{BEGUN, Interest, Stream};
use crate::held_answer::{HeldAnswer, Unsent};
use crate::{GivenUp, Tempo, buffers, is_forked_child};

/// What one sendfile(2) moves at most (its man page).
const MAX_SENDFILE: usize = 0x7fff_f000;

impl Stream {
    /// Gives the whole answer to a request that began at `began` to the engine, if that will send it in a
    /// moment together with others. Nothing follows it on the connection before the next request. Never
    /// waits.
    ///
    /// # Errors
    /// The answer, to be sent at once.
    pub fn hold(
        self: &Arc<Self>,
        answer: Vec<u8>,
        began: Instant,
        tempo: &Tempo,
    ) -> Result<(), Vec<u8>> {
        if self.is_shared() {
            return Err(answer);
        }
        self.waiter.hold(self, answer, began, tempo)?;
        // By a thread of the application's, which has not seen that anything was held.
        if self.is_shared() {
            self.let_go();
        }
        Ok(())
    }

    /// The answer that its outbox has.
    pub(crate) fn held(&self) -> &HeldAnswer {
        &self.held
    }

    /// The answer leaves the outbox, as far as its client takes it at once. False: a part of it is still
    /// to be sent.
    pub(crate) fn send_held(&self, mut bytes: Vec<u8>, tempo: Tempo) -> bool {
        let mut sent = 0;
        while sent < bytes.len() {
            match socket::send(self.fd.as_fd(), &[IoSlice::new(&bytes[sent..])]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // Whoever looks at the connection next finds that its client is gone.
                Err(error) => {
                    log::info!("the client left before it had the whole response: {error}");
                    socket::shutdown_both(self.fd.as_fd());
                    sent = bytes.len();
                }
            }
        }
        self.count(sent);
        bytes.drain(..sent);
        let is_whole = bytes.is_empty();
        if is_whole {
            buffers::give(std::mem::take(&mut bytes));
        }
        self.held.end(Unsent { bytes, tempo });
        is_whole
    }

    /// The same at the end of the process: of what the client does not take at once nothing is kept.
    pub(crate) fn send_at_last(&self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match socket::send(self.fd.as_fd(), &[IoSlice::new(bytes)]) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        self.held.end(Unsent::default());
    }

    /// An answer that is held goes out, as far as it can without waiting.
    pub fn let_go(&self) {
        // In a forked child it is the parent's.
        while self.held.is_on_its_way() && !is_forked_child() {
            // Or another thread has it, and sends it at this moment.
            self.waiter.let_go();
            std::thread::yield_now();
        }
    }

    /// Whether a part of an earlier answer is still to be sent.
    pub fn has_unsent(&self) -> bool {
        self.held.has_unsent()
    }

    /// Sends what is left of earlier answers. False: nothing was.
    ///
    /// # Errors
    /// As [`Stream::send_all`].
    pub fn send_unsent(&self) -> io::Result<bool> {
        self.let_go();
        let Some(unsent) = self.held.take_unsent() else { return Ok(false) };
        // Until it is sent, the client does not have all of it.
        self.response.store(BEGUN, Ordering::Relaxed);
        self.send_all(&mut [IoSlice::new(&unsent.bytes)], &unsent.tempo)?;
        Ok(true)
    }

    /// Sends of `parts` what the client takes at once; how much that was.
    ///
    /// # Errors
    /// sendmsg(2).
    pub fn send_some(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.let_go();
        loop {
            match socket::send(self.fd.as_fd(), parts) {
                Ok(sent) => {
                    self.count(sent);
                    return Ok(sent);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends of `count` bytes of the open `file` from `offset` on what the client takes at once: how much that
    /// was, 0 at the end of the file. `None`: it takes nothing now.
    ///
    /// # Errors
    /// sendfile(2).
    pub fn send_some_of_file(
        &self,
        file: RawFd,
        offset: u64,
        count: u64,
    ) -> io::Result<Option<u64>> {
        self.let_go();
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(MAX_SENDFILE);
        loop {
            match socket::send_file(self.fd.as_fd(), file, offset, count) {
                Ok(sent) => {
                    self.count(sent);
                    return Ok(Some(sent as u64));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends all of `parts`, in one call when the socket has room.
    ///
    /// # Errors
    /// sendmsg(2), or [`GivenUp`].
    pub fn send_all(&self, mut parts: &mut [IoSlice<'_>], tempo: &Tempo) -> io::Result<()> {
        IoSlice::advance_slices(&mut parts, 0);
        while !parts.is_empty() {
            match socket::send(self.fd.as_fd(), parts) {
                Ok(sent) => {
                    self.count(sent);
                    IoSlice::advance_slices(&mut parts, sent);
                }
                Err(error) => self.after_failed_send(error, tempo)?,
            }
        }
        Ok(())
    }

    /// Sends `count` bytes of the open `file` from `offset` on; how many there were (the file may
    /// be short).
    ///
    /// # Errors
    /// sendfile(2), or [`GivenUp`].
    pub fn send_file(
        &self,
        file: RawFd,
        offset: u64,
        count: u64,
        tempo: &Tempo,
    ) -> io::Result<u64> {
        let mut sent = 0;
        while sent < count {
            let step = usize::try_from(count - sent).unwrap_or(usize::MAX).min(MAX_SENDFILE);
            match socket::send_file(self.fd.as_fd(), file, offset + sent, step) {
                Ok(0) => break,
                Ok(step) => {
                    self.count(step);
                    sent += step as u64;
                }
                Err(error) => self.after_failed_send(error, tempo)?,
            }
        }
        Ok(sent)
    }

    /// Says that no more will be sent (shutdown(2)).
    pub fn finish_sending(&self) {
        self.let_go();
        socket::shutdown_write(self.fd.as_fd());
    }

    fn after_failed_send(&self, error: io::Error, tempo: &Tempo) -> io::Result<()> {
        match error.kind() {
            io::ErrorKind::WouldBlock => self.wait_to_send(tempo),
            io::ErrorKind::Interrupted => Ok(()),
            _ => Err(error),
        }
    }

    /// Waits until there is room, as long as the client keeps taking what is there.
    fn wait_to_send(&self, tempo: &Tempo) -> io::Result<()> {
        loop {
            let (began, before) = (Instant::now(), self.progress());
            let has_room = self.wait(Interest::Write, Some(began + tempo.stretch()))?;
            let progress = self.progress();
            if !has_room && progress == before && tempo.idle.is_some() {
                return Err(GivenUp::Idle.into());
            }
            let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
            if !pace.keeps(tempo, began.elapsed(), progress) {
                return Err(GivenUp::Slow.into());
            }
            if has_room {
                return Ok(());
            }
        }
    }
}
