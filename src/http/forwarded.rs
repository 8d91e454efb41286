//! What a proxy in front may say of its client, and names that an application could mistake.
//!
//! WSGI turns the dashes of a header's name into underscores, so `X_Forwarded_Proto` would pass for
//! the `X-Forwarded-Proto` that a proxy has checked. Whether the peer is a proxy that is trusted is
//! the caller's to know; one that is not can set neither scheme nor script name.

use std::net::{IpAddr, SocketAddr};

use super::bytes::elements;
use super::error::{HttpError, quote};
use super::head::Head;

/// What becomes of a field whose name has an underscore (`header_map`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Underscores {
    /// It is left out.
    #[default]
    Drop,
    /// The request is refused.
    Refuse,
    /// The application gets it.
    Pass,
}

/// The rules of a server; names in any case.
#[derive(Clone, Debug, Default)]
pub struct Forwarding {
    /// `header_map`.
    pub underscores: Underscores,
    /// `forwarder_headers`: names with an underscore that a trusted peer may send; "*" is all.
    pub forwarder_headers: Vec<String>,
    /// `secure_scheme_headers`: names, and the value of each that says https.
    pub secure_scheme_headers: Vec<(String, String)>,
}

/// What a trusted peer has said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forwarded<'b> {
    /// The client speaks https with the proxy.
    pub is_https: bool,
    /// Where the application is mounted.
    pub script_name: Option<&'b [u8]>,
}

impl Forwarding {
    /// Goes over a head's fields: takes out what may not stay, and hands back what a trusted peer
    /// has said.
    ///
    /// # Errors
    ///
    /// 400 for an underscore where they are refused, and for schemes that disagree.
    pub fn apply<'b>(
        &self,
        head: &mut Head<'b>,
        is_trusted: bool,
    ) -> Result<Forwarded<'b>, HttpError> {
        let mut forwarded = Forwarded::default();
        let mut scheme = None;
        let mut has_dropped = false;
        for field in head.fields.iter() {
            if is_trusted && let Some(is_https) = self.scheme(field.name, field.value) {
                if scheme.is_some_and(|earlier| earlier != is_https) {
                    return Err(HttpError::bad(
                        "scheme-headers-disagree",
                        "The headers that tell the scheme contradict each other.",
                    ));
                }
                scheme = Some(is_https);
            }
            if !field.name.contains('_') {
                continue;
            }
            if is_trusted && self.is_forwarder_header(field.name) {
                // gunicorn: with "dangerous" takes it from anybody.
                if field.name.eq_ignore_ascii_case("SCRIPT_NAME") {
                    forwarded.script_name = Some(field.value);
                }
                continue;
            }
            match self.underscores {
                Underscores::Pass => {}
                Underscores::Drop => has_dropped = true,
                Underscores::Refuse => {
                    let name = quote(field.name.as_bytes());
                    return Err(HttpError::bad(
                        "underscore",
                        format!("The header name \"{name}\" has an underscore."),
                    ));
                }
            }
        }
        if has_dropped {
            head.fields.retain(|field| {
                !field.name.contains('_') || (is_trusted && self.is_forwarder_header(field.name))
            });
        }
        forwarded.is_https = scheme.unwrap_or(false);
        Ok(forwarded)
    }

    /// Whether a field says https (true), says http (false), or is no scheme header.
    fn scheme(&self, name: &str, value: &[u8]) -> Option<bool> {
        let known = |(known, _): &&(String, String)| known.eq_ignore_ascii_case(name);
        let (_, secure) = self.secure_scheme_headers.iter().find(known)?;
        // gunicorn: not for WebSockets, of which some proxies say so (Traefik).
        Some(value == secure.as_bytes() || secure == "https" && value == b"wss")
    }

    fn is_forwarder_header(&self, name: &str) -> bool {
        let is = |known: &String| known == "*" || known.eq_ignore_ascii_case(name);
        self.forwarder_headers.iter().any(is)
    }
}

/// The client that trusted proxies have named in `X-Forwarded-For`, where each adds whom it has heard: the last
/// that is no such proxy. Whether the peer is one that is trusted is the caller's to know. `None`: it names no
/// address. Port 0: it names none.
pub fn client(head: &Head<'_>, is_trusted: impl Fn(IpAddr) -> bool) -> Option<SocketAddr> {
    let mut named = None;
    for field in head.fields.iter().rev() {
        if !field.name.eq_ignore_ascii_case("x-forwarded-for") {
            continue;
        }
        let all: Vec<_> = elements(field.value).collect();
        for text in all.into_iter().rev() {
            // Nobody knows who has written what stands before something else.
            let Some(address) = address(text) else { return named };
            named = Some(address);
            if !is_trusted(address.ip()) {
                return named;
            }
        }
    }
    named
}

/// An address, with a port or without.
fn address(text: &[u8]) -> Option<SocketAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    text.parse().ok().or_else(|| Some(SocketAddr::new(bare.parse().ok()?, 0)))
}

/// The path below `script_name`, still percent-encoded: "" or what begins with "/". Slashes at the
/// end of `script_name` do not count.
///
/// # Errors
///
/// 500 when the path is not below it: proxy and server are set up for different places.
pub fn below<'p>(path: &'p str, script_name: &str) -> Result<&'p str, HttpError> {
    let script_name = script_name.trim_end_matches('/');
    match path.strip_prefix(script_name) {
        // gunicorn: takes "/app" out of "/apple" and hands on "le".
        Some(rest) if rest.is_empty() || rest.starts_with('/') => Ok(rest),
        // OPTIONS * is about the server, wherever the application is mounted.
        _ if path == "*" => Ok(path),
        _ => Err(HttpError::new(
            500,
            "script-name",
            format!(
                "The path \"{}\" is not below SCRIPT_NAME \"{}\".",
                quote(path.as_bytes()),
                quote(script_name.as_bytes())
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Limits, parse};

    fn forwarding(underscores: Underscores) -> Forwarding {
        let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Forwarding {
            underscores,
            forwarder_headers: vec!["SCRIPT_NAME".into(), "PATH_INFO".into()],
            secure_scheme_headers: [("X-FORWARDED-PROTO", "https"), ("X-FORWARDED-SSL", "on")]
                .map(pair)
                .into(),
        }
    }

    /// What is forwarded by `lines`, and the names that stay.
    fn apply(
        rules: &Forwarding,
        lines: &str,
        is_trusted: bool,
    ) -> Result<(bool, Option<String>, Vec<String>), &'static str> {
        let head = format!("GET / HTTP/1.0\r\n{lines}\r\n");
        let mut head = parse(head.as_bytes(), &Limits::default()).unwrap();
        let found = rules.apply(&mut head, is_trusted).map_err(|error| error.rule)?;
        let script_name = found.script_name.map(|name| String::from_utf8(name.to_vec()).unwrap());
        let names = head.fields.iter().map(|field| field.name.to_owned()).collect();
        Ok((found.is_https, script_name, names))
    }

    fn names(rules: &Forwarding, lines: &str, is_trusted: bool) -> Vec<String> {
        apply(rules, lines, is_trusted).unwrap().2
    }

    #[test]
    fn names_with_an_underscore_are_dropped_refused_or_passed() {
        let lines = "A_B: 1\r\nA-B: 2\r\nScript_Name: /x\r\n";
        assert_eq!(names(&forwarding(Underscores::Drop), lines, false), ["A-B"]);
        assert_eq!(apply(&forwarding(Underscores::Refuse), lines, false), Err("underscore"));
        let passed = apply(&forwarding(Underscores::Pass), lines, false).unwrap();
        assert_eq!(passed, (false, None, ["A_B", "A-B", "Script_Name"].map(String::from).into()));
    }

    #[test]
    fn a_trusted_peer_may_send_forwarder_headers() {
        let lines = "A_B: 1\r\nscript_name: /x\r\nPATH_INFO: /y\r\n";
        let rules = forwarding(Underscores::Drop);
        let (_, script_name, names_left) = apply(&rules, lines, true).unwrap();
        assert_eq!(script_name.as_deref(), Some("/x"));
        assert_eq!(names_left, ["script_name", "PATH_INFO"]);
        assert_eq!(apply(&forwarding(Underscores::Refuse), lines, true), Err("underscore"));
        let all = Forwarding { forwarder_headers: vec!["*".into()], ..rules };
        assert_eq!(names(&all, lines, true).len(), 3);
        assert_eq!(names(&all, lines, false).len(), 0);
    }

    #[test]
    fn a_trusted_peer_tells_the_scheme() {
        let rules = forwarding(Underscores::Drop);
        let is_https = |lines: &str, is_trusted| apply(&rules, lines, is_trusted).map(|r| r.0);
        assert_eq!(is_https("x-forwarded-proto: https\r\n", true), Ok(true));
        assert_eq!(is_https("X-Forwarded-Proto: https\r\n", false), Ok(false));
        assert_eq!(is_https("X-Forwarded-Proto: http\r\n", true), Ok(false));
        assert_eq!(is_https("X-Forwarded-Proto: https, http\r\n", true), Ok(false));
        assert_eq!(is_https("X-Forwarded-Proto: https\r\nX-Forwarded-SSL: on\r\n", true), Ok(true));
        assert_eq!(is_https("X-Forwarded-Proto: wss\r\n", true), Ok(true));
        assert_eq!(is_https("X-Forwarded-Proto: ws\r\n", true), Ok(false));
        assert_eq!(is_https("X-Forwarded-SSL: wss\r\n", true), Ok(false));
        assert_eq!(is_https("", true), Ok(false));
    }

    #[test]
    fn schemes_that_disagree_are_refused() {
        let rules = forwarding(Underscores::Drop);
        for lines in [
            "X-Forwarded-Proto: https\r\nX-Forwarded-SSL: off\r\n",
            "X-Forwarded-Proto: http\r\nX-Forwarded-Proto: https\r\n",
        ] {
            assert_eq!(apply(&rules, lines, true), Err("scheme-headers-disagree"));
            assert!(apply(&rules, lines, false).is_ok());
        }
    }

    #[test]
    fn the_client_is_the_last_that_is_no_trusted_proxy() {
        let named = |lines: &str, trusted: &str| {
            let head = format!("GET / HTTP/1.0\r\n{lines}\r\n");
            let head = parse(head.as_bytes(), &Limits::default()).unwrap();
            let client = client(&head, |ip| trusted == "*" || ip.to_string().starts_with(trusted));
            client.map(|address| address.to_string())
        };
        for (lines, trusted, client) in [
            ("", "127.", None),
            ("X-Forwarded-For: \r\n", "127.", None),
            ("x-forwarded-for: 192.0.2.1\r\n", "127.", Some("192.0.2.1:0")),
            ("X-Forwarded-For: 192.0.2.1, 192.0.2.2, 127.0.0.1\r\n", "127.", Some("192.0.2.2:0")),
            ("X-Forwarded-For: 192.0.2.1, 192.0.2.2\r\n", "*", Some("192.0.2.1:0")),
            (
                "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 127.0.0.1\r\n",
                "127.",
                Some("192.0.2.1:0"),
            ),
            ("X-Forwarded-For: 192.0.2.1, unknown, 127.0.0.1\r\n", "127.", Some("127.0.0.1:0")),
            ("X-Forwarded-For: 192.0.2.1:80\r\n", "127.", Some("192.0.2.1:80")),
            ("X-Forwarded-For: [2001:db8::1]:80\r\n", "127.", Some("[2001:db8::1]:80")),
            ("X-Forwarded-For: 2001:db8::1\r\n", "127.", Some("[2001:db8::1]:0")),
            ("X-Forwarded-For: [2001:db8::1]\r\n", "127.", Some("[2001:db8::1]:0")),
        ] {
            assert_eq!(named(lines, trusted).as_deref(), client, "{lines}");
        }
    }

    #[test]
    fn the_script_name_is_taken_off_the_path_at_a_slash() {
        assert_eq!(below("/app/x%20y", "/app"), Ok("/x%20y"));
        assert_eq!(below("/app", "/app"), Ok(""));
        assert_eq!(below("/app/", "/app/"), Ok("/"));
        assert_eq!(below("/x", ""), Ok("/x"));
        assert_eq!(below("/x", "/"), Ok("/x"));
        assert_eq!(below("*", "/app"), Ok("*"));
        for path in ["/apple", "/", "/ap", "/App/x"] {
            assert_eq!(below(path, "/app").unwrap_err().status, 500, "{path}");
        }
    }
}
