//! The environ's keys of header fields, each made once for all requests that send the field.

use pyo3::prelude::*;
use pyo3::types::PyString;

use super::kept_texts::KeptTexts;

/// Places for names.
pub const PLACES: usize = 512;

/// Keys, by the names that clients send.
pub struct Names(KeptTexts<Box<str>>);

impl Names {
    /// None is known yet.
    pub fn new() -> Self {
        Self(KeptTexts::new(PLACES))
    }

    /// The key of the header of this name.
    pub fn key<'py>(&self, py: Python<'py>, name: &str) -> Bound<'py, PyString> {
        let text = || PyString::new(py, &environ_key(name));
        let Some(place) = place(name) else { return text() };
        self.0.text(py, place, |known| **known == *name, || (name.into(), text()))
    }
}

/// Where a name is kept: those that are told apart by length, ends and middle lie apart mostly, no more is
/// wanted. `None`: nowhere. Clients choose the names, and 512 long ones would be megabytes.
pub fn place(name: &str) -> Option<usize> {
    if name.len() > LONGEST {
        return None;
    }
    let bytes = name.as_bytes();
    let at = |index: usize| bytes.get(index).copied().map_or(0, usize::from);
    let len = bytes.len();
    let mixed = at(0) ^ at(len / 2) << 2 ^ at(len.wrapping_sub(2)) << 4 ^ len << 5 ^ len >> 2;
    Some(mixed % PLACES)
}

/// Twice as long as the names that browsers and proxies send.
const LONGEST: usize = 64;

/// Content_Length, which `header_map` may let through, is no Content-Length: the application would
/// believe a length that the body does not have.
fn environ_key(name: &str) -> String {
    let upper = name.to_ascii_uppercase();
    match upper.as_str() {
        "CONTENT-TYPE" | "CONTENT-LENGTH" => upper.replace('-', "_"),
        _ => format!("HTTP_{}", upper.replace('-', "_")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn headers_are_named_as_pep_3333_says() {
        assert_eq!(environ_key("Content-Type"), "CONTENT_TYPE");
        assert_eq!(environ_key("content-length"), "CONTENT_LENGTH");
        assert_eq!(environ_key("X-Request-Id"), "HTTP_X_REQUEST_ID");
        assert_eq!(environ_key("Content_Length"), "HTTP_CONTENT_LENGTH");
    }

    #[test]
    fn what_browsers_and_proxies_send_has_places_of_its_own() {
        let names = [
            "Host",
            "User-Agent",
            "Accept",
            "Accept-Encoding",
            "Accept-Language",
            "Connection",
            "Cookie",
            "Referer",
            "Cache-Control",
            "Pragma",
            "Content-Type",
            "Content-Length",
            "Origin",
            "DNT",
            "Upgrade-Insecure-Requests",
            "Sec-Fetch-Site",
            "Sec-Fetch-Mode",
            "Sec-Fetch-Dest",
            "Sec-Fetch-User",
            "If-None-Match",
            "If-Modified-Since",
            "X-Forwarded-For",
            "X-Forwarded-Proto",
            "X-Forwarded-Host",
            "X-Real-IP",
            "X-Request-Id",
            "Authorization",
            "X-Requested-With",
            "Range",
            "sec-ch-ua",
            "sec-ch-ua-mobile",
            "sec-ch-ua-platform",
            "priority",
        ];
        let places: HashSet<_> = names.iter().map(|name| place(name)).collect();
        assert_eq!(places.len(), names.len());
    }

    #[test]
    fn the_shortest_names_have_places_too() {
        assert!(["", "x", "xy"].iter().all(|name| place(name).is_some_and(|at| at < PLACES)));
    }

    #[test]
    fn a_long_name_is_not_kept() {
        assert!(place(&"x".repeat(64)).is_some() && place(&"x".repeat(65)).is_none());
    }
}
