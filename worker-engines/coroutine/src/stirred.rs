//! Upgraded connections to which something has happened that no event tells of: those that wait for them
//! are to look.
//!
//! Who stirs may be any thread, with or without the scheduler's role, so the reactor does the waking.

use std::sync::{Arc, Mutex, PoisonError};

use unicoro_contract::{Stream, is_forked_child};

use crate::bell;

static STIRRED: Mutex<Vec<Arc<Stream>>> = Mutex::new(Vec::new());

/// Has those woken that wait for it.
pub fn stir(stream: &Arc<Stream>) {
    if is_forked_child() {
        return;
    }
    let mut stirred = STIRRED.lock().unwrap_or_else(PoisonError::into_inner);
    stirred.push(Arc::clone(stream));
    let is_first = stirred.len() == 1;
    drop(stirred);
    if is_first {
        bell::ring();
    }
}

/// Those that were stirred since it was asked last.
pub fn take() -> Vec<Arc<Stream>> {
    std::mem::take(&mut *STIRRED.lock().unwrap_or_else(PoisonError::into_inner))
}
