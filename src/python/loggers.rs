//! The loggers `gunicorn.error` and `gunicorn.access`: applications hand their own records to the
//! handlers that these have under gunicorn, and Python's logging writes the server's logs if the
//! configuration, a hook or the application has changed them.
//!
//! While nobody has, the server writes past them: no Python is in the path of a line.

use std::borrow::Cow;
use std::ffi::CStr;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pyo3::exceptions::PyKeyError;
use pyo3::ffi::c_str;
use pyo3::prelude::*;
use pyo3::types::code::PyCodeInput;
use pyo3::types::{PyCode, PyCodeMethods, PyDict, PyString, PyType};
use unicoro_contract::Address;

use super::attach::attached;
use super::errors::ErrorLog;
use super::fields::Fields;
use super::interpreter::is_running;
use super::shown::{self, Answered, Shown, latin1};
use super::{gevent, imports, log_config, log_thread, own_module, traceback};
use crate::config::Settings;
use crate::http::{Head, reason};
use crate::logging::access_record::nothing;
use crate::logging::divert::Entry;
use crate::logging::{self, AccessLog, AccessRecord, LogLevel, access_json, divert};
use crate::metrics::leave_to_others;
use crate::sys::clock::unix_now;
use crate::sys::process::Pid;

/// Gives the two loggers their handlers, and sets Python's logging up as the settings say; again, by
/// a reload, others. Does nothing without an interpreter.
///
/// # Errors
/// A text for the operator.
pub fn set_up_loggers(
    settings: &Settings,
    access_log: Option<&AccessLog>,
    names: Option<&Py<PyDict>>,
) -> Result<(), String> {
    if !is_running() {
        return Ok(());
    }
    log_thread::offer();
    // Handlers may come from modules of the application's.
    gevent::prepare()?;
    attached(|py| {
        let class = logger_class(py, settings, names).map_err(|error| {
            let (name, text) = (&settings.logger_class, traceback::format(py, &error));
            let name = name.as_deref().unwrap_or_default();
            format!(
                "logger_class = {name} cannot be loaded; a class that is derived from gunicorn's \
                 needs gunicorn to be installed beside unicoro:\n{text}"
            )
        })?;
        let set_up = || -> PyResult<()> {
            let access_log =
                access_log.map(|log| Py::new(py, AccessStream(log.clone()))).transpose()?;
            let values = shown::values(py, settings, names)?;
            let arguments = (
                level(settings),
                Py::new(py, ErrorLog)?,
                access_log,
                shown::config(&values)?,
                class,
                log_config::configure(py, settings, names)?,
            );
            module(py)?.call_method1("set_up", arguments).map(drop)
        };
        set_up().map(|()| HAS_LOGGERS.store(true, Ordering::Relaxed)).map_err(|error| {
            format!("Python's logging cannot be set up:\n{}", traceback::format(py, &error))
        })
    })
}

/// Whether they have been set up, by the master or here.
#[must_use]
pub fn has_loggers() -> bool {
    HAS_LOGGERS.load(Ordering::Relaxed)
}

static HAS_LOGGERS: AtomicBool = AtomicBool::new(false);

/// The class itself, which a config file may give or name.
fn logger_class<'py>(
    py: Python<'py>,
    settings: &Settings,
    names: Option<&Py<PyDict>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(name) = &settings.logger_class else { return Ok(None) };
    let given = names.map(|names| names.bind(py).get_item("logger_class")).transpose()?.flatten();
    if let Some(class) = given.filter(|given| given.is_instance_of::<PyType>()) {
        return Ok(Some(class));
    }
    let (module, class) =
        name.rsplit_once('.').ok_or_else(|| PyKeyError::new_err("give MODULE.CLASS"))?;
    py.import(module)?.getattr(class).map(Some)
}

/// As Python's logging numbers them.
fn level(settings: &Settings) -> u32 {
    match settings.loglevel {
        log::LevelFilter::Trace | log::LevelFilter::Debug => 10,
        log::LevelFilter::Info => 20,
        log::LevelFilter::Warn => 30,
        log::LevelFilter::Error => 40,
        log::LevelFilter::Off => 50,
    }
}

/// As Python's logging numbers it.
const ERROR: u32 = 40;

/// Told by loggers.py, whenever somebody has changed a logger: which logs Python's logging writes,
/// whether it sends figures of both to statsd, and what level of the server's own records it lets
/// through.
#[pyfunction]
fn tell(errors: bool, accesses: bool, counts: bool, level: u32) {
    logging::divert::divert(errors, accesses);
    leave_to_others(counts);
    logging::set_level(match level {
        41.. => LogLevel::Critical,
        31.. => LogLevel::Error,
        21.. => LogLevel::Warning,
        11.. => LogLevel::Info,
        _ => LogLevel::Debug,
    });
}

/// Says, once, that Python's logging writes the logs, and what stays different then.
pub fn say_who_logs() {
    static SAID: Once = Once::new();
    if divert::takes_errors() || divert::takes_accesses() {
        SAID.call_once(|| {
            log::info!(
                "Python's logging writes the logs that the configuration or the application has \
                 changed; unlike gunicorn's they have refused requests as well, and the last words \
                 of a worker that hangs go straight to errorlog"
            );
        });
    }
}

/// Has Python's logging write a record; what it cannot, comes back.
pub(super) fn emit(entry: Entry) -> Result<(), Entry> {
    let is_written = attached(|py| {
        let arguments = (entry.level, &entry.text, entry.created);
        let written = module(py).and_then(|module| module.call_method1("emit", arguments));
        written.and_then(|written| written.extract()).unwrap_or_else(|error| complain(py, &error))
    });
    if is_written { Ok(()) } else { Err(entry) }
}

/// The same for an exception of the application's, in its request. False: it is to be written.
pub(super) fn emit_raised(py: Python<'_>, text: &str, error: &PyErr) -> bool {
    if !divert::takes_errors() {
        return false;
    }
    let write = || -> PyResult<bool> {
        let raised = error.value(py).call_method1("with_traceback", (error.traceback(py),))?;
        let created = Entry::now(ERROR, String::new()).created;
        module(py)?.call_method1("emit", (ERROR, text, created, raised))?.extract()
    };
    let is_written = write().unwrap_or_else(|error| complain(py, &error));
    if is_written {
        logging::count_as("exception");
    }
    is_written
}

/// What a filter or a `logger_class` raised costs no line and no request.
fn complain(py: Python<'_>, error: &PyErr) -> bool {
    let text = format!("Python's logging raised an exception:\n{}", traceback::format(py, error));
    logging::write_entry(&Entry::now(ERROR, text));
    false
}

/// On the thread that emits, before it does.
pub(super) fn begin_thread() {
    call("begin_thread");
}

/// Opens the files of Python's handlers anew.
pub(super) fn reopen() {
    call("reopen");
}

/// Has Python's logging write the access log's line.
pub(super) fn access(
    request: &Bound<'_, PyAny>,
    response: &Bound<'_, PyAny>,
    environ: &Bound<'_, PyDict>,
    duration: Duration,
) {
    let py = request.py();
    let call = || module(py)?.call_method1("access", (response, request, environ, duration));
    if let Err(error) = call() {
        complain(py, &error);
    }
}

/// The line of a request that no application has seen. `head` is `None` if it could not be read.
pub fn log_refusal(client: &Address, head: Option<&Head<'_>>, status: u16) {
    attached(|py| {
        let log = || -> PyResult<()> {
            let shown = Shown::new(py)?;
            let environ = refused(py, client, head)?;
            let request = match head {
                Some(head) => shown.request(py, head, client, false)?,
                None => shown.nothing(py)?,
            };
            let status_line = format!("{status} {}", reason(status));
            let response = shown.response(
                &request,
                &Answered {
                    status_line: status_line.as_bytes(),
                    fields: &Fields::default(),
                    sent: 0,
                },
            )?;
            access(&request, &response, &environ, Duration::ZERO);
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
    client: &Address,
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
        Address::Ip(address) => address.ip().to_string(),
        Address::Unix(_) => String::new(),
    };
    environ.set_item("REMOTE_ADDR", address)?;
    for (name, variable) in [
        ("referer", "HTTP_REFERER"),
        ("user-agent", "HTTP_USER_AGENT"),
        ("authorization", "HTTP_AUTHORIZATION"),
    ] {
        if let Some(value) = head.and_then(|head| head.field(name)) {
            environ.set_item(variable, latin1(py, value)?)?;
        }
    }
    Ok(environ)
}

/// A text file that is the access log.
#[pyclass(module = "unicoro", name = "AccessLog", frozen)]
struct AccessStream(AccessLog);

#[pymethods]
impl AccessStream {
    fn write(&self, text: &Bound<'_, PyString>) {
        self.0.write_text(&text.to_string_lossy());
    }

    /// Each write is written at once.
    fn flush(&self) {}

    fn has_lines(&self) -> bool {
        self.0.has_file()
    }

    fn has_syslog(&self) -> bool {
        self.0.has_syslog()
    }

    fn send_to_syslog(&self, level: u32, text: &Bound<'_, PyString>) {
        self.0.send_to_syslog(logging::severity(level), &text.to_string_lossy());
    }
}

/// A text as the access log shows it: loggers.py asks only for those that need it.
#[pyfunction]
fn escape(text: &Bound<'_, PyString>) -> String {
    let mut out = Vec::new();
    logging::escape::push_bytes(&mut out, &latin1_bytes(&text.to_string_lossy()));
    String::from_utf8_lossy(&out).into_owned()
}

/// The line of `access_log_json` for the atoms of a record, which filters have seen.
#[pyfunction]
fn json_line(atoms: &Bound<'_, PyDict>) -> String {
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

/// Sees what was changed behind the back of loggers.py, such as a list of handlers in place.
pub(super) fn look() {
    call("look");
}

fn call(function: &str) {
    attached(|py| {
        if let Err(error) = module(py).and_then(|module| module.call_method0(function)) {
            complain(py, &error);
        }
    });
}

fn module(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    // A second one would not know the first one's finder.
    own_module::once(py, NAME, || {
        let module = PyModule::new(py, NAME)?;
        module.setattr("Finder", imports::finder_class(py)?)?;
        module.setattr("tell", wrap_pyfunction!(tell, &module)?)?;
        module.setattr("json_line", wrap_pyfunction!(json_line, &module)?)?;
        module.setattr("escape", wrap_pyfunction!(escape, &module)?)?;
        module.setattr("__file__", FILE.to_str().unwrap_or_default())?;
        let code = PyCode::compile(py, SOURCE, FILE, PyCodeInput::File)?;
        code.run(Some(&module.dict()), None)?;
        Ok(module)
    })
}

const NAME: &str = "unicoro.loggers";

/// As records have it that are made there: to logging its module is "loggers". Brackets, because
/// `trace` opens what is not in such.
const FILE: &CStr = c"<unicoro/loggers.py>";

/// In Python, because it is about Python's objects.
const SOURCE: &CStr = c_str!(include_str!("loggers.py"));
