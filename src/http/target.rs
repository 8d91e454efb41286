//! The request target in its four forms (RFC 9112, 3.2).
//!
//! The path stays percent-encoded; nothing is normalised, because what the application and a
//! proxy in front of it see must be the same.

use super::error::{HttpError, quote};
use super::host;

/// What the request line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'b> {
    /// As it was sent.
    pub raw: &'b str,
    /// Still percent-encoded; "*" for `OPTIONS *`, "/" when an absolute form has none.
    pub path: &'b str,
    /// What follows the first "?", without it; "" when there is none.
    pub query: &'b str,
    /// The authority of an absolute form, which replaces Host (RFC 9112, 3.2.2).
    // gunicorn: ignores it and believes Host.
    pub authority: Option<&'b str>,
}

impl<'b> Target<'b> {
    /// Reads `raw`, which has no white space and no control byte.
    pub(super) fn parse(method: &str, raw: &'b str) -> Result<Self, HttpError> {
        // RFC 9112, 3.2 and RFC 3986, 2: other characters come percent-encoded.
        if !raw.is_ascii() {
            return Err(invalid(raw, "has a character that is not ASCII"));
        }
        if method == "CONNECT" {
            // RFC 9110, 9.3.6: for proxies. RFC 9110, 9.1: 501 for what is not implemented.
            return Err(HttpError::new(501, "connect", "CONNECT is for proxies."));
        }
        if raw.starts_with('/') {
            return Target::of(raw, raw, None);
        }
        if raw == "*" && method == "OPTIONS" {
            return Ok(Target { raw, path: raw, query: "", authority: None });
        }
        Target::absolute(raw)
    }

    /// RFC 9112, 3.2.2: a server must accept it, though clients send it to proxies only.
    fn absolute(raw: &'b str) -> Result<Self, HttpError> {
        let Some((scheme, rest)) = raw.split_once("://") else {
            return Err(invalid(raw, "is neither a path nor a URL"));
        };
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return Err(invalid(raw, "has a scheme other than http and https"));
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let authority = &rest[..end];
        // RFC 9110, 4.2.1 and 4.2.4: an empty host and user information are errors.
        if !host::is_valid(authority.as_bytes()) || host::host(authority.as_bytes()).is_empty() {
            return Err(invalid(raw, "has no valid host"));
        }
        Target::of(raw, &rest[end..], Some(authority))
    }

    fn of(
        raw: &'b str,
        path_and_query: &'b str,
        authority: Option<&'b str>,
    ) -> Result<Self, HttpError> {
        // RFC 9112, 3.2: no form has a fragment. Proxies that cut it off route by another path.
        // gunicorn: cuts it off.
        if path_and_query.contains('#') {
            return Err(invalid(raw, "has a fragment"));
        }
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        // RFC 9110, 4.2.3: an empty path is the same as "/".
        let path = if path.is_empty() { "/" } else { path };
        Ok(Target { raw, path, query, authority })
    }
}

fn invalid(raw: &str, what: &str) -> HttpError {
    HttpError::bad("target", format!("The request target \"{}\" {what}.", quote(raw.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(
        method: &str,
        raw: &'static str,
    ) -> (&'static str, &'static str, Option<&'static str>) {
        let target = Target::parse(method, raw).unwrap();
        assert_eq!(target.raw, raw);
        (target.path, target.query, target.authority)
    }

    #[test]
    fn origin_form_is_a_path_and_a_query() {
        assert_eq!(target("GET", "/"), ("/", "", None));
        assert_eq!(target("GET", "/a%20b?c?d"), ("/a%20b", "c?d", None));
        assert_eq!(target("GET", "/?"), ("/", "", None));
        assert_eq!(target("GET", "//x/y"), ("//x/y", "", None));
        assert_eq!(target("GET", "/http://x/"), ("/http://x/", "", None));
    }

    #[test]
    fn absolute_form_carries_its_authority() {
        assert_eq!(target("GET", "http://h:1/a?b"), ("/a", "b", Some("h:1")));
        assert_eq!(target("GET", "HTTPS://h"), ("/", "", Some("h")));
        assert_eq!(target("GET", "http://h?q"), ("/", "q", Some("h")));
    }

    #[test]
    fn asterisk_form_is_for_options() {
        assert_eq!(target("OPTIONS", "*"), ("*", "", None));
        assert_eq!(Target::parse("GET", "*").unwrap_err().status, 400);
    }

    #[test]
    fn authority_form_and_connect_are_refused() {
        assert_eq!(Target::parse("CONNECT", "h:443").unwrap_err().status, 501);
        assert_eq!(Target::parse("GET", "h:443").unwrap_err().status, 400);
    }

    #[test]
    fn other_targets_are_refused() {
        for raw in [
            "a",
            "http:/x",
            "ftp://h/",
            "http:///x",
            "http://:80/",
            "http://u:p@h/",
            "/a#b",
            "http://h#f",
            "http://a b/",
            "?q",
            "://h",
        ] {
            assert_eq!(Target::parse("GET", raw).unwrap_err().rule, "target", "{raw}");
        }
    }
}
