//! `access_log_format`, compiled once and rendered for each request.
//!
//! The syntax is that of Python's `%` with names: `%(h)s`, `%({user-agent}i)s`, `%%`. Literal
//! text is the operator's own and stands as it is; every value is escaped.

use std::error::Error;
use std::fmt;

use super::access_atom::Atom;
use super::access_record::AccessRecord;

/// gunicorn's default.
pub const DEFAULT_FORMAT: &str = r#"%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s""#;

/// A compiled format.
#[derive(Clone, Debug)]
pub struct AccessFormat {
    pieces: Vec<Piece>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece {
    Literal(String),
    Atom(Atom),
}

impl AccessFormat {
    /// Compiles `format`.
    ///
    /// # Errors
    /// Names what is not understood, and where it stands.
    // gunicorn: prints `-` for an unknown atom, for ever; here the server does not start.
    pub fn compile(format: &str) -> Result<AccessFormat, FormatError> {
        let mut pieces = Vec::new();
        let mut rest = format;
        while let Some((literal, after)) = rest.split_once('%') {
            push_literal(&mut pieces, literal);
            rest = match after.strip_prefix('%') {
                Some(behind) => {
                    push_literal(&mut pieces, "%");
                    behind
                }
                None => {
                    let (atom, behind) = read_atom(after).map_err(|problem| FormatError {
                        format: format.to_owned(),
                        at: format.len() - after.len() - 1,
                        problem,
                    })?;
                    pieces.push(Piece::Atom(atom));
                    behind
                }
            };
        }
        push_literal(&mut pieces, rest);
        Ok(AccessFormat { pieces })
    }

    /// The variables of the WSGI environ that the format asks for (`{name}e`).
    #[must_use]
    pub fn environ_names(&self) -> Vec<String> {
        let atoms = self.pieces.iter().filter_map(|piece| match piece {
            Piece::Atom(Atom::Environ(name)) => Some(name.clone()),
            _ => None,
        });
        atoms.collect()
    }

    /// Appends the line for `record`, without a newline.
    pub fn render(&self, record: &AccessRecord<'_>, out: &mut Vec<u8>) {
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => out.extend(text.as_bytes()),
                Piece::Atom(atom) => atom.render(record, out),
            }
        }
    }
}

/// What in a format is not understood.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FormatError {
    format: String,
    at: usize,
    problem: Problem,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Problem {
    Unknown(String),
    Lone,
    Unclosed,
    Conversion(String),
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Problem::Unknown(name) => write!(
                f,
                "access_log_format has the unknown atom {name:?}; there are \
                 h l u t r m U q H s B b f a T M D L p, {{name}}i, {{name}}o and {{name}}e"
            )?,
            Problem::Lone => write!(f, "access_log_format has a lone %; write %% for one")?,
            Problem::Unclosed => write!(f, "access_log_format has a %( without its )")?,
            Problem::Conversion(name) => {
                write!(
                    f,
                    "access_log_format has an atom that does not end in s; write %({name})s"
                )?;
            }
        }
        let before = self.format.get(..self.at).unwrap_or_default().chars().count();
        write!(f, "\n  {}\n  {}^~~~", self.format, " ".repeat(before))
    }
}

impl Error for FormatError {}

/// Reads what follows a `%`; returns the atom and the text behind it.
fn read_atom(text: &str) -> Result<(Atom, &str), Problem> {
    let inside = text.strip_prefix('(').ok_or(Problem::Lone)?;
    let (name, behind) = inside.split_once(')').ok_or(Problem::Unclosed)?;
    let atom = Atom::from_name(name).ok_or_else(|| Problem::Unknown(name.to_owned()))?;
    if let Some(behind) = behind.strip_prefix('s') {
        return Ok((atom, behind));
    }
    match behind.strip_prefix('d') {
        Some(behind) if atom.is_number() => Ok((atom, behind)),
        _ => Err(Problem::Conversion(name.to_owned())),
    }
}

fn push_literal(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Literal(before)) => before.push_str(text),
        _ => pieces.push(Piece::Literal(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logging::access_record::nothing;
    use std::borrow::Cow;
    use std::time::Duration;
    use unicoro_sys::process::Pid;

    fn rendered(format: &str, change: impl FnOnce(&mut AccessRecord<'_>)) -> String {
        let request = |name: &str| -> Option<Cow<'_, [u8]>> {
            match name.to_ascii_lowercase().as_str() {
                "user-agent" => Some(Cow::Borrowed(b"curl/8\" x")),
                "authorization" => Some(Cow::Borrowed(b"Basic bWU6cHc=")),
                _ => None,
            }
        };
        let response = |name: &str| (name == "etag").then_some(Cow::Borrowed(&b"v1"[..]));
        let environ = |name: &str| (name == "USER_ID").then_some(Cow::Borrowed(&b"7"[..]));
        let mut record = AccessRecord {
            remote_addr: b"10.0.0.1",
            method: b"GET",
            target: b"/a%0a?x=1",
            path: b"/a\n",
            query: b"x=1",
            protocol: b"HTTP/1.1",
            status: 200,
            sent: Some(0),
            unix_seconds: 0,
            duration: Duration::from_micros(2_003_004),
            pid: Pid::from_raw(42).unwrap(),
            request_header: &request,
            response_header: &response,
            environ: &environ,
        };
        change(&mut record);
        let mut out = Vec::new();
        AccessFormat::compile(format).unwrap().render(&record, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_default_format_is_the_combined_log() {
        let format = DEFAULT_FORMAT.replace("%(t)s", "[T]");
        assert_eq!(
            rendered(&format, |_| ()),
            r#"10.0.0.1 - me [T] "GET /a%0a?x=1 HTTP/1.1" 200 0 "-" "curl/8\" x""#
        );
    }

    #[test]
    fn every_atom_has_its_value() {
        assert_eq!(
            rendered("%(m)s %(U)s %(q)s %(H)s %(B)s %(T)s %(M)s %(D)d %(L)s %(p)s %%", |_| ()),
            r"GET /a\n x=1 HTTP/1.1 0 2 2003 2003004 2.003004 <42> %"
        );
        assert_eq!(
            rendered("%({User-Agent}i)s|%({etag}o)s|%({USER_ID}e)s|%({none}i)s", |_| ()),
            r#"curl/8\" x|v1|7|-"#
        );
    }

    #[test]
    fn time_is_in_brackets_with_its_offset() {
        let time = rendered("%(t)s", |record| record.unix_seconds = 1_000_000_000);
        assert!(time.starts_with('[') && time.ends_with(']'));
        assert!(time.contains("/Sep/2001:"), "{time}");
    }

    #[test]
    fn what_is_missing_is_a_dash() {
        let line = rendered("%(h)s %(u)s %(r)s %(b)s %(U)s", |record| {
            record.remote_addr = b"";
            record.method = b"";
            record.target = b"";
            record.path = b"";
            record.sent = None;
            record.request_header = &nothing;
        });
        assert_eq!(line, "- - - - -");
    }

    #[test]
    fn no_request_can_forge_a_line() {
        let line = rendered("\"%(r)s\" %(U)s", |record| {
            record.target = b"/\" 200\n127.0.0.1 - - \"GET / HTTP/1.1";
            record.path = b"/\r\n\x85\xe2\x80\xa8\\";
        });
        assert!(!line.contains(['\n', '\r']));
        assert!(line.is_ascii());
        assert_eq!(line.matches('"').count() - line.matches("\\\"").count(), 2);
        assert!(line.ends_with(r"/\r\n\x85\xe2\x80\xa8\\"));
    }

    #[test]
    fn an_unknown_atom_is_named_and_pointed_at() {
        let error = AccessFormat::compile("%(h)s %(x)s").unwrap_err().to_string();
        assert!(error.contains("unknown atom \"x\""), "{error}");
        assert!(error.ends_with("  %(h)s %(x)s\n        ^~~~"), "{error}");
        for wrong in ["%h", "100%", "%(h", "%(h)d", "%(h)-5s", "%({}i)s", "%({a}x)s"] {
            assert!(AccessFormat::compile(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_variables_of_the_environ_are_known_before() {
        assert!(AccessFormat::compile(DEFAULT_FORMAT).unwrap().environ_names().is_empty());
        assert_eq!(AccessFormat::compile("%({a}e)s %(U)s").unwrap().environ_names(), ["a"]);
    }
}
