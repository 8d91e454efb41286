//! Somebody else who writes the logs: Python's logging, when the configuration or the application
//! asks for it.
//!
//! This module knows only that there may be a [`Taker`], and whether it wants the lines of either log
//! just now. What it does not take is written as always.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// One record of the error log.
#[derive(Debug)]
pub struct Entry {
    /// As Python's logging numbers them.
    pub level: u32,
    /// Harmless: of several lines only if they are a traceback.
    pub text: String,
    /// Seconds since 1970.
    pub created: f64,
}

impl Entry {
    /// One that is made now.
    #[must_use]
    pub fn now(level: u32, text: String) -> Entry {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Entry { level, text, created: since.as_secs_f64() }
    }
}

/// Who takes records.
pub trait Taker: Sync {
    /// Takes a record, or gives it back.
    ///
    /// # Errors
    /// It is not taken.
    fn take(&self, entry: Entry) -> Result<(), Entry>;

    /// Opens files anew.
    fn reopen(&self);

    /// Takes no more, and gives back what it has not come to in a moment.
    fn finish(&self) -> Vec<Entry>;
}

static TAKER: OnceLock<&'static dyn Taker> = OnceLock::new();
static ERRORS: AtomicBool = AtomicBool::new(false);
static ACCESSES: AtomicBool = AtomicBool::new(false);

/// There is a taker from now on.
pub fn offer(taker: &'static dyn Taker) {
    // There is one in the program.
    let _ = TAKER.set(taker);
}

/// Which of the logs it wants.
pub fn divert(errors: bool, accesses: bool) {
    ERRORS.store(errors, Ordering::Relaxed);
    ACCESSES.store(accesses, Ordering::Relaxed);
}

/// Whether it wants the access log's lines.
#[must_use]
pub fn takes_accesses() -> bool {
    ACCESSES.load(Ordering::Relaxed)
}

/// Whether it wants the error log's records.
#[must_use]
pub fn takes_errors() -> bool {
    ERRORS.load(Ordering::Relaxed)
}

/// Hands a record over, or gives it back.
pub(super) fn take(entry: Entry) -> Result<(), Entry> {
    match TAKER.get() {
        Some(taker) => taker.take(entry),
        None => Err(entry),
    }
}

/// Its files are opened anew.
pub(super) fn reopen() {
    if let Some(taker) = TAKER.get() {
        taker.reopen();
    }
}

/// It takes no more records; those that it has not come to.
pub(super) fn finish() -> Vec<Entry> {
    ERRORS.store(false, Ordering::Relaxed);
    TAKER.get().map_or_else(Vec::new, |taker| taker.finish())
}
