//! The Date of responses, made once a second.

use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use unicoro_sys::clock::unix_lately;

// Only ever tried: another thread may have been at it when this process was forked.
static LATEST: Mutex<Option<(i64, Arc<str>)>> = Mutex::new(None);

/// Now, as an IMF-fixdate (RFC 9110, 5.6.7).
pub fn date() -> Arc<str> {
    let now = unix_lately();
    let make = || -> Arc<str> { imf_fixdate(now).into() };
    let Ok(mut latest) = LATEST.try_lock() else { return make() };
    match &*latest {
        Some((second, date)) if *second == now => Arc::clone(date),
        _ => Arc::clone(&latest.insert((now, make())).1),
    }
}

/// `unix_seconds` as HTTP writes it. httpdate panics beyond the years 1970 to 9999: there the nearest
/// second within them stands for a clock that is wrong anyway.
fn imf_fixdate(unix_seconds: i64) -> String {
    let seconds = unix_seconds.clamp(0, END_OF_9999).unsigned_abs();
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// The last second that a four-digit year can say.
const END_OF_9999: i64 = 253_402_300_799;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_an_imf_fixdate() {
        assert_eq!(imf_fixdate(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(imf_fixdate(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(imf_fixdate(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
        assert_eq!(imf_fixdate(4_107_542_400), "Mon, 01 Mar 2100 00:00:00 GMT");
    }

    #[test]
    fn a_clock_that_is_wrong_costs_no_request() {
        assert_eq!(imf_fixdate(i64::MIN), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(imf_fixdate(i64::MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
    }
}
