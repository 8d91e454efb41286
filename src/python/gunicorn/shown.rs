//! Settings and requests as hooks and loggers are shown them: Python objects with gunicorn's
//! attributes, made only when somebody asks for them.

use std::ffi::CStr;

use pyo3::ffi::c_str;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyList, PyString};
use unicoro_contract::SocketAddress;

use crate::config::{Bind, Remote, Settings, Value};
use crate::exchange::Answer;
use crate::http::{Head, Version};
use crate::python::interp::own_module;
use crate::python::wsgi::latin1::latin1;

/// The classes of what is shown.
pub struct Shown {
    request: Py<PyAny>,
    response: Py<PyAny>,
}

impl Shown {
    pub fn new(py: Python<'_>) -> PyResult<Self> {
        let module = module(py)?;
        Ok(Self {
            request: module.getattr("Request")?.unbind(),
            response: module.getattr("Response")?.unbind(),
        })
    }

    /// `req`, of a client that speaks https or not.
    pub fn request<'py>(
        &self,
        py: Python<'py>,
        head: &Head<'_>,
        client: &SocketAddress,
        is_https: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let headers = PyList::empty(py);
        for field in head.fields.iter() {
            headers.append((field.name.to_ascii_uppercase(), latin1(py, field.value)))?;
        }
        let version = match head.version {
            Version::Http10 => (1, 0),
            Version::Http11 => (1, 1),
        };
        let target = &head.target;
        let scheme = if is_https { "https" } else { "http" };
        let peer = match client {
            SocketAddress::Ip(peer) => {
                (peer.ip().to_string(), peer.port()).into_pyobject(py)?.into_any()
            }
            SocketAddress::Unix(_) => PyString::new(py, "").into_any(),
        };
        self.request.bind(py).call1((
            head.method,
            target.raw,
            target.path,
            target.query,
            version,
            headers,
            scheme,
            peer,
        ))
    }

    /// `req` of a head that could not be read.
    pub fn nothing<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.request.bind(py).call1(("", "", "", "", (1, 1), PyList::empty(py), "http", ""))
    }

    /// `resp`, to a request that is shown.
    pub fn response<'py>(
        &self,
        request: &Bound<'py, PyAny>,
        answer: &Answer,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = request.py();
        let headers = PyList::empty(py);
        for (name, value) in answer.fields.iter() {
            headers.append((latin1(py, name), latin1(py, value)))?;
        }
        let status = latin1(py, &answer.status_line());
        self.response.bind(py).call1((request, status, headers, answer.body_sent))
    }
}

/// The settings by name, as `cfg` has them. `names` are the config file's.
pub fn values<'py>(
    py: Python<'py>,
    settings: &Settings,
    names: Option<&Py<PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let values = PyDict::new(py);
    values.set_item("default_proc_name", &settings.wsgi_app.0)?;
    values.set_item("logconfig_dict", PyDict::new(py))?;
    for (name, value) in settings.values() {
        if !matches!(value, Value::None) || !values.contains(name)? {
            values.set_item(name, to_python(py, value)?)?;
        }
    }
    // With the objects that it has.
    if let Some(dict) =
        names.map(|names| names.bind(py).get_item("logconfig_dict")).transpose()?.flatten()
    {
        values.set_item("logconfig_dict", dict)?;
    }
    // gunicorn: these are resolved in `cfg`.
    values.set_item("address", addresses(py, &settings.bind)?)?;
    values.set_item("proc_name", &settings.proc_name)?;
    values.set_item("sendfile", settings.sendfile)?;
    values.set_item("statsd_host", statsd_host(py, settings)?)?;
    values.set_item("uid", settings.identity.uid)?;
    values.set_item("gid", settings.identity.gid)?;
    Ok(values)
}

/// `cfg`, with these values.
pub fn config<'py>(values: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
    module(values.py())?.getattr("Config")?.call1((values,))
}

/// `cfg.statsd_host`: what a socket connects to.
fn statsd_host<'py>(py: Python<'py>, settings: &Settings) -> PyResult<Option<Bound<'py, PyAny>>> {
    let remote = settings.logs.statsd.as_ref().map(|statsd| match &statsd.remote {
        Remote::Udp { host, port } | Remote::Tcp { host, port } => {
            (host, port).into_pyobject(py).map(Bound::into_any)
        }
        Remote::Unix { path, .. } => Ok(PyString::new(py, &path.to_string_lossy()).into_any()),
    });
    remote.transpose()
}

/// `cfg.address`: what `bind` asks for, in the shape of the socket module's addresses.
fn addresses<'py>(py: Python<'py>, binds: &[Bind]) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for bind in binds {
        match bind {
            Bind::Tcp { host, port } => list.append((host, port))?,
            Bind::Unix(path) => list.append(path.display().to_string())?,
            Bind::Abstract(name) => list.append(format!("@{name}"))?,
            Bind::Fd(number) => list.append(number)?,
        }
    }
    Ok(list)
}

/// A setting's value for `cfg`.
fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Bool(on) => PyBool::new(py, *on).to_owned().into_any(),
        Value::Int(number) => number.into_pyobject(py)?.into_any(),
        Value::Float(number) => number.into_pyobject(py)?.into_any(),
        Value::Str(text) => PyString::new(py, text).into_any(),
        Value::List(items) => {
            let list = PyList::empty(py);
            for item in items {
                list.append(to_python(py, item)?)?;
            }
            list.into_any()
        }
        Value::Map(pairs) => {
            let map = PyDict::new(py);
            for (key, item) in pairs {
                map.set_item(key, to_python(py, item)?)?;
            }
            map.into_any()
        }
        Value::None | Value::Callable { .. } | Value::Object { .. } => py.None().into_bound(py),
    })
}

/// The module that has run.
pub fn module(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    own_module::once(py, "unicoro.shown", || {
        PyModule::from_code(py, SOURCE, c"<unicoro's shown.py>", c"unicoro.shown")
    })
}

/// In Python, because it is about Python's objects.
const SOURCE: &CStr = c_str!(include_str!("shown.py"));
