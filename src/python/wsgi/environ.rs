//! The environ of a request (PEP 3333, "environ Variables").
//!
//! What is the same for every request is a dict that is copied; what comes again is made once.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyType};
use unicoro_contract::SocketAddress;

use super::addresses::Addresses;
use super::errors::ErrorLog;
use super::file_wrapper::FileWrapper;
use super::latin1::latin1;
use super::names::{Names, have_one_key};
use crate::exchange::Place;
use crate::http::{Field, Head, ProxyHeader, Version, percent_decode};
use crate::python::interp::interned::interned;

/// What a request's connection is seen by; set by who has the connection.
const OF_CONNECTION: [&str; 4] =
    ["wsgi.input", "wsgi.early_hints", "unicoro.client_disconnected", "gunicorn.socket"];

/// What [`Environ::build`] sets in each environ, beside headers.
const OF_REQUEST: [&str; 5] = ["RAW_URI", "PATH_INFO", "REMOTE_ADDR", "SERVER_NAME", "SERVER_PORT"];

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
    // With all keys that every environ has: a copy has room for the others at once.
    template: Py<PyDict>,
    names: Names,
    addresses: Addresses,
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
        template.set_item("REQUEST_METHOD", "GET")?;
        template.set_item("QUERY_STRING", "")?;
        template.set_item("SERVER_PROTOCOL", Version::Http11.as_str())?;
        for key in OF_REQUEST.into_iter().chain(OF_CONNECTION) {
            template.set_item(PyString::intern(py, key), py.None())?;
        }
        Ok(Self { template: template.unbind(), names: Names::new(), addresses: Addresses::new() })
    }

    /// The environ of a request that the application never sees.
    ///
    /// # Errors
    /// No memory.
    pub fn build_without_connection<'py>(
        &self,
        py: Python<'py>,
        head: &Head<'_>,
        place: &Place<'_>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let environ = self.build(py, head, place)?;
        OF_CONNECTION.into_iter().try_for_each(|key| environ.del_item(key))?;
        Ok(environ)
    }

    /// The environ of one request; what belongs to its connection (`wsgi.input` and its like) is still
    /// to be set.
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
        let target = &head.target;
        if head.method != "GET" {
            environ.set_item(interned!(py, "REQUEST_METHOD"), head.method)?;
        }
        if !target.query.is_empty() {
            environ.set_item(interned!(py, "QUERY_STRING"), target.query)?;
        }
        if head.version != Version::Http11 {
            environ.set_item(interned!(py, "SERVER_PROTOCOL"), head.version.as_str())?;
        }
        let raw = latin1(py, target.raw.as_bytes());
        // One object for both, mostly.
        let path = match &*percent_decode(place.path) {
            path if path == target.raw.as_bytes() => raw.clone(),
            path => latin1(py, path),
        };
        environ.set_item(interned!(py, "RAW_URI"), raw)?;
        environ.set_item(interned!(py, "PATH_INFO"), path)?;
        if !place.script_name.is_empty() {
            let script_name = latin1(py, place.script_name.as_bytes());
            environ.set_item(interned!(py, "SCRIPT_NAME"), script_name)?;
        }
        if place.is_https {
            environ.set_item(interned!(py, "wsgi.url_scheme"), interned!(py, "https"))?;
        }
        self.set_headers(py, &environ, head)?;
        self.set_ends(py, &environ, head, place)?;
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
            let key = self.names.key(py, field.name);
            let known = environ.len();
            environ.set_item(&key, latin1(py, field.value))?;
            if environ.len() == known {
                environ.set_item(key, latin1(py, &joined(&head.fields[..=index])))?;
            }
        }
        // RFC 9112, 3.2.2: the authority of an absolute target replaces Host.
        if let Some(authority) = head.target.authority {
            environ.set_item(interned!(py, "HTTP_HOST"), authority)?;
        }
        Ok(())
    }

    fn set_ends(
        &self,
        py: Python<'_>,
        environ: &Bound<'_, PyDict>,
        head: &Head<'_>,
        place: &Place<'_>,
    ) -> PyResult<()> {
        let address = interned!(py, "REMOTE_ADDR");
        match place.client {
            SocketAddress::Ip(peer) => {
                environ.set_item(address, self.addresses.ip(py, peer.ip()))?;
                environ
                    .set_item(interned!(py, "REMOTE_PORT"), self.addresses.port(py, peer.port()))?;
            }
            SocketAddress::Unix(_) => environ.set_item(address, "")?,
        }
        let (name, port) = match place.local {
            SocketAddress::Ip(local) => {
                (self.addresses.ip(py, local.ip()), self.addresses.port(py, local.port()))
            }
            SocketAddress::Unix(_) => {
                let (name, port) = named_host(head, place.is_https);
                (PyString::new(py, &name), PyString::new(py, &port))
            }
        };
        environ.set_item(interned!(py, "SERVER_NAME"), name)?;
        environ.set_item(interned!(py, "SERVER_PORT"), port)
    }
}

/// The last of these fields with the earlier ones of its key: a repeated header is rare, and then one
/// value, joined with a comma (RFC 9110, 5.3; gunicorn joins without a space).
fn joined(fields: &[Field<'_>]) -> Vec<u8> {
    let name = fields.last().map_or("", |last| last.name);
    let values = fields.iter().filter(|field| have_one_key(field.name, name));
    values.map(|field| field.value).collect::<Vec<_>>().join(&b',')
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

/// What a client behind a unix socket says it is talking to: name and port.
fn named_host(head: &Head<'_>, is_https: bool) -> (String, String) {
    let host = head.target.authority.map(str::as_bytes).or_else(|| head.field("Host"));
    let host = String::from_utf8_lossy(host.unwrap_or(b"localhost")).into_owned();
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
            (name.to_owned(), port.to_owned())
        }
        _ => {
            let port = if is_https { "443" } else { "80" };
            (host.trim_end_matches(':').to_owned(), port.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_header_is_one_value() {
        let field = |name, value| Field { name, value };
        let fields = [field("Via", b"a".as_slice()), field("X", b"b"), field("VIA", b"\xe9")];
        assert_eq!(joined(&fields), b"a,\xe9");
        assert_eq!(joined(&fields[..1]), b"a");
        let fields = [field("X-Name", b"a".as_slice()), field("Via", b"b"), field("x_Name", b"c")];
        assert_eq!(joined(&fields), b"a,c");
    }
}
