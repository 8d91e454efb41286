//! What loggers.py asks of the server's own access log: how a text is shown, and a line as JSON.

use std::borrow::Cow;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use unicoro_sys::clock::unix_now;
use unicoro_sys::process::Pid;

use crate::logging::access_record::nothing;
use crate::logging::{self, AccessRecord, access_json};

/// A text as the access log shows it: loggers.py asks only for those that need it.
#[pyfunction]
pub fn escape(text: &Bound<'_, PyString>) -> String {
    let mut out = Vec::new();
    logging::escape::push_bytes(&mut out, &latin1_bytes(&text.to_string_lossy()));
    String::from_utf8_lossy(&out).into_owned()
}

/// The line of `access_log_json` for the atoms of a record, which filters have seen.
#[pyfunction]
pub fn json_line(atoms: &Bound<'_, PyDict>) -> String {
    let text = |name: &str| -> Option<Cow<'_, [u8]>> {
        let value = atoms.get_item(name).ok().flatten()?;
        Some(Cow::Owned(latin1_bytes(&value.cast::<PyString>().ok()?.to_string_lossy())))
    };
    let number = |name: &str| -> Option<u64> {
        let value = atoms.get_item(name).ok().flatten()?;
        value.str().ok()?.to_string().parse().ok()
    };
    let part = |name: &str| text(name).filter(|value| &**value != b"-").unwrap_or_default();
    let line = part("r");
    let mut words = line.split(|byte| *byte == b' ');
    let mut out = Vec::new();
    access_json::render(
        &AccessRecord {
            remote_addr: &part("h"),
            method: &part("m"),
            target: words.nth(1).unwrap_or_default(),
            path: &part("U"),
            query: &part("q"),
            protocol: &part("H"),
            status: number("s").and_then(|status| u16::try_from(status).ok()).unwrap_or_default(),
            sent: number("B"),
            unix_seconds: unix_now(),
            duration: Duration::from_micros(number("D").unwrap_or_default()),
            pid: Pid::me(),
            request_header: &|name| text(&format!("{{{name}}}i")),
            response_header: &nothing,
            environ: &nothing,
        },
        &mut out,
    );
    String::from_utf8_lossy(&out).into_owned()
}

/// The environ's characters are bytes.
fn latin1_bytes(text: &str) -> Vec<u8> {
    let bytes: Result<Vec<u8>, _> = text.chars().map(|c| u8::try_from(u32::from(c))).collect();
    bytes.unwrap_or_else(|_| text.as_bytes().to_vec())
}
