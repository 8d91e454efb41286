//! The access log's line of a request that was refused before any application saw it.

use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use unicoro_contract::SocketAddress;

use super::module::complain;
use super::records::log_access;
use crate::exchange::Answer;
use crate::http::Head;
use crate::python::gil::attach::attached;
use crate::python::gunicorn::shown::Shown;
use crate::python::wsgi::latin1::latin1;

/// The line of a request that no application has seen. `head` is `None` if it could not be read.
pub fn log_refusal(client: &SocketAddress, head: Option<&Head<'_>>, answer: &Answer) {
    attached(|py| {
        let log = || -> PyResult<()> {
            let shown = Shown::new(py)?;
            let environ = refused(py, client, head)?;
            let request = match head {
                Some(head) => shown.request(py, head, client, false)?,
                None => shown.nothing(py)?,
            };
            let response = shown.response(&request, answer)?;
            log_access(&request, &response, &environ, Duration::ZERO);
            Ok(())
        };
        if let Err(error) = log() {
            complain(py, &error);
        }
    });
}

/// As much of an environ as a line shows.
fn refused<'py>(
    py: Python<'py>,
    client: &SocketAddress,
    head: Option<&Head<'_>>,
) -> PyResult<Bound<'py, PyDict>> {
    let environ = PyDict::new(py);
    let part = |part: fn(&Head<'_>) -> String| head.map(part).unwrap_or_default();
    environ.set_item("REQUEST_METHOD", part(|head| head.method.to_owned()))?;
    environ.set_item("RAW_URI", part(|head| head.target.raw.to_owned()))?;
    environ.set_item("PATH_INFO", part(|head| head.target.path.to_owned()))?;
    environ.set_item("QUERY_STRING", part(|head| head.target.query.to_owned()))?;
    environ.set_item("SERVER_PROTOCOL", part(|head| head.version.as_str().to_owned()))?;
    let address = match client {
        SocketAddress::Ip(address) => address.ip().to_string(),
        SocketAddress::Unix(_) => String::new(),
    };
    environ.set_item("REMOTE_ADDR", address)?;
    for (name, variable) in [
        ("referer", "HTTP_REFERER"),
        ("user-agent", "HTTP_USER_AGENT"),
        ("authorization", "HTTP_AUTHORIZATION"),
    ] {
        if let Some(value) = head.and_then(|head| head.field(name)) {
            environ.set_item(variable, latin1(py, value))?;
        }
    }
    Ok(environ)
}
