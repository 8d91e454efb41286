//! The Date of responses, made once a second.

use std::sync::{Arc, Mutex};

use crate::http::imf_fixdate;
use crate::sys::clock::unix_now;

// Only ever tried: another thread may have been at it when this process was forked.
static LATEST: Mutex<Option<(i64, Arc<str>)>> = Mutex::new(None);

/// Now, as an IMF-fixdate (RFC 9110, 5.6.7).
pub fn date() -> Arc<str> {
    let now = unix_now();
    let make = || -> Arc<str> { imf_fixdate(now).into() };
    let Ok(mut latest) = LATEST.try_lock() else { return make() };
    match &*latest {
        Some((second, date)) if *second == now => Arc::clone(date),
        _ => Arc::clone(&latest.insert((now, make())).1),
    }
}
