//! The environ of a request (PEP 3333, "environ Variables").
//!
//! What is the same for every request is a dict that is copied; names of headers are made once.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Mutex;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyType};
use unicoro_contract::SocketAddress;

use super::errors::ErrorLog;
use super::file_wrapper::FileWrapper;
use super::latin1::latin1;
use crate::exchange::Place;
use crate::http::{Head, ProxyHeader, percent_decode};
use crate::python::interp::interned::interned;

/// Names of headers remembered: clients choose them, so there must be a bound.
const NAMES_KEPT: usize = 256;

/// What is true of the whole server.
#[derive(Clone, Copy, Debug)]
pub struct ServerFacts {
    /// Requests of one process may run at the same time.
    pub multithread: bool,
    /// Other processes serve the same application.
    pub multiprocess: bool,
}

/// Makes environs.
pub struct Environ {
    template: Py<PyDict>,
    names: Mutex<HashMap<String, Py<PyString>>>,
}

impl Environ {
    /// For all requests of a server.
    ///
    /// # Errors
    /// No memory.
    pub fn new(py: Python<'_>, facts: ServerFacts) -> PyResult<Self> {
        let template = PyDict::new(py);
        template.set_item("wsgi.version", (1, 0))?;
        template.set_item("wsgi.url_scheme", "http")?;
        template.set_item("wsgi.errors", Py::new(py, ErrorLog)?)?;
        template.set_item("wsgi.multithread", facts.multithread)?;
        template.set_item("wsgi.multiprocess", facts.multiprocess)?;
        template.set_item("wsgi.run_once", false)?;
        template.set_item("wsgi.file_wrapper", PyType::new::<FileWrapper>(py))?;
        template.set_item("wsgi.input_terminated", true)?;
        template.set_item("SERVER_SOFTWARE", concat!("unicoro/", env!("CARGO_PKG_VERSION")))?;
        template.set_item("SCRIPT_NAME", "")?;
        Ok(Self { template: template.unbind(), names: Mutex::default() })
    }

    /// The environ of one request, without what belongs to its connection (`wsgi.input` and its like).
    ///
    /// # Errors
    /// No memory.
    pub fn build<'py>(
        &self,
        py: Python<'py>,
        head: &Head<'_>,
        place: &Place<'_>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let environ = self.template.bind(py).copy()?;
        let set = |key: &Bound<'py, PyString>, value: &str| environ.set_item(key, value);
        set(interned!(py, "REQUEST_METHOD"), head.method)?;
        set(interned!(py, "QUERY_STRING"), head.target.query)?;
        set(interned!(py, "RAW_URI"), head.target.raw)?;
        set(interned!(py, "SERVER_PROTOCOL"), head.version.as_str())?;
        let path = percent_decode(place.path);
        environ.set_item(interned!(py, "PATH_INFO"), latin1(py, &path))?;
        if !place.script_name.is_empty() {
            let script_name = latin1(py, place.script_name.as_bytes());
            environ.set_item(interned!(py, "SCRIPT_NAME"), script_name)?;
        }
        if place.is_https {
            set(interned!(py, "wsgi.url_scheme"), "https")?;
        }
        self.set_headers(py, &environ, head)?;
        set_ends(py, &environ, head, place)?;
        if let Some(proxy) = place.proxy {
            set_proxy(py, &environ, proxy)?;
        }
        Ok(environ)
    }

    fn set_headers(
        &self,
        py: Python<'_>,
        environ: &Bound<'_, PyDict>,
        head: &Head<'_>,
    ) -> PyResult<()> {
        for (index, field) in head.fields.iter().enumerate() {
            let key = self.key(py, field.name);
            // A repeated header is rare, and then one value: joined with a comma (RFC 9110, 5.3;
            // gunicorn joins without a space).
            let is_repeated = head.fields[..index]
                .iter()
                .any(|earlier| earlier.name.eq_ignore_ascii_case(field.name));
            let value = latin1(py, field.value);
            match environ.get_item(&key)?.filter(|_| is_repeated) {
                Some(first) => {
                    let joined = format!("{},{}", first.extract::<String>()?, value.to_cow()?);
                    environ.set_item(key, joined)?;
                }
                None => environ.set_item(key, value)?,
            }
        }
        // RFC 9112, 3.2.2: the authority of an absolute target replaces Host.
        if let Some(authority) = head.target.authority {
            environ.set_item(interned!(py, "HTTP_HOST"), authority)?;
        }
        Ok(())
    }

    /// The environ's key of a header.
    fn key<'py>(&self, py: Python<'py>, name: &str) -> Bound<'py, PyString> {
        let mut names = self.names.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(key) = names.get(name) {
            return key.bind(py).clone();
        }
        let key = PyString::new(py, &environ_key(name));
        if names.len() < NAMES_KEPT {
            names.insert(name.to_owned(), key.clone().unbind());
        }
        key
    }
}

/// Content_Length, which `header_map` may let through, is no Content-Length: the application would
/// believe a length that the body does not have.
fn environ_key(name: &str) -> String {
    let upper = name.to_ascii_uppercase();
    match upper.as_str() {
        "CONTENT-TYPE" | "CONTENT-LENGTH" => upper.replace('-', "_"),
        _ => format!("HTTP_{}", upper.replace('-', "_")),
    }
}

fn set_ends(
    py: Python<'_>,
    environ: &Bound<'_, PyDict>,
    head: &Head<'_>,
    place: &Place<'_>,
) -> PyResult<()> {
    let set = |key: &Bound<'_, PyString>, value: &str| environ.set_item(key, value);
    match place.client {
        SocketAddress::Ip(peer) => {
            set(interned!(py, "REMOTE_ADDR"), &peer.ip().to_string())?;
            set(interned!(py, "REMOTE_PORT"), &peer.port().to_string())?;
        }
        SocketAddress::Unix(_) => set(interned!(py, "REMOTE_ADDR"), "")?,
    }
    let (name, port) = server_name(head, place);
    set(interned!(py, "SERVER_NAME"), &name)?;
    set(interned!(py, "SERVER_PORT"), &port)
}

/// What gunicorn tells of a PROXY header; REMOTE_ADDR and REMOTE_PORT are the client's already.
fn set_proxy(py: Python<'_>, environ: &Bound<'_, PyDict>, proxy: &ProxyHeader) -> PyResult<()> {
    environ.set_item(interned!(py, "PROXY_PROTOCOL"), proxy.name())?;
    // gunicorn: without addresses it sets these, and REMOTE_ADDR, to None and "None".
    if let ProxyHeader::Tcp { proxy, .. } = proxy {
        environ.set_item(interned!(py, "PROXY_ADDR"), proxy.ip().to_string())?;
        environ.set_item(interned!(py, "PROXY_PORT"), proxy.port().to_string())?;
    }
    Ok(())
}

/// Our own address; behind a unix socket what the client says it is talking to.
fn server_name(head: &Head<'_>, place: &Place<'_>) -> (String, String) {
    match place.local {
        SocketAddress::Ip(SocketAddr::V4(address)) => {
            (address.ip().to_string(), address.port().to_string())
        }
        SocketAddress::Ip(SocketAddr::V6(address)) => {
            (address.ip().to_string(), address.port().to_string())
        }
        SocketAddress::Unix(_) => {
            let host = head.target.authority.map(str::as_bytes).or_else(|| head.field("Host"));
            let host = String::from_utf8_lossy(host.unwrap_or(b"localhost")).into_owned();
            match host.rsplit_once(':') {
                Some((name, port))
                    if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) =>
                {
                    (name.to_owned(), port.to_owned())
                }
                _ => {
                    let port = if place.is_https { "443" } else { "80" };
                    (host.trim_end_matches(':').to_owned(), port.to_owned())
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_named_as_pep_3333_says() {
        assert_eq!(environ_key("Content-Type"), "CONTENT_TYPE");
        assert_eq!(environ_key("content-length"), "CONTENT_LENGTH");
        assert_eq!(environ_key("X-Request-Id"), "HTTP_X_REQUEST_ID");
        assert_eq!(environ_key("Content_Length"), "HTTP_CONTENT_LENGTH");
    }
}
