//! The Date of responses, made once a second.

use std::cell::RefCell;
use std::sync::Arc;

use crate::http::imf_fixdate;
use crate::sys::clock::unix_now;

thread_local! {
    static LATEST: RefCell<Option<(i64, Arc<str>)>> = const { RefCell::new(None) };
}

/// Now, as an IMF-fixdate (RFC 9110, 5.6.7).
pub fn date() -> Arc<str> {
    let now = unix_now();
    LATEST.with_borrow_mut(|latest| match latest {
        Some((second, date)) if *second == now => Arc::clone(date),
        _ => {
            let date: Arc<str> = imf_fixdate(now).into();
            *latest = Some((now, Arc::clone(&date)));
            date
        }
    })
}
