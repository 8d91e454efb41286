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

/// Whether two headers have the same key: `header_map` may let X_Name through beside X-Name.
pub fn have_one_key(one: &str, other: &str) -> bool {
    let letter = |byte: u8| if byte == b'_' { b'-' } else { byte.to_ascii_uppercase() };
    one.bytes().map(letter).eq(other.bytes().map(letter)) && is_bare(one) == is_bare(other)
}

/// Whether a header's key has no `HTTP_`.
fn is_bare(name: &str) -> bool {
    ["Content-Type", "Content-Length"].iter().any(|bare| name.eq_ignore_ascii_case(bare))
}

/// Content_Length, which `header_map` may let through, is no Content-Length: the application would
/// believe a length that the body does not have.
fn environ_key(name: &str) -> String {
    let key = name.to_ascii_uppercase().replace('-', "_");
    if is_bare(name) { key } else { format!("HTTP_{key}") }
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

    #[test]
    fn names_have_one_key_that_lead_to_one() {
        let names =
            ["X-A_b", "x_a-B", "X-A", "Content-Type", "content_type", "CONTENT-TYPE", "X-A-B-C"];
        for (one, other) in names.iter().flat_map(|one| names.map(|other| (*one, other))) {
            assert_eq!(have_one_key(one, other), environ_key(one) == environ_key(other));
        }
    }
}
