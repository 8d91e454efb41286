//! Starting and ending CPython in this process.
//!
//! Never `Py_Finalize`: green threads may be alive, and finalizing would wait for them or tear the
//! interpreter down under them. The end runs what Python owes the application (threads joined,
//! atexit, buffers flushed), and the process is ended by `_exit`.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use pyo3::types::{PyAnyMethods, PyList, PyListMethods};
use pyo3::{PyResult, Python, ffi};

use super::closed;
use super::home::Home;
use super::library_first::put_library_first;
use super::traceback;
use super::versions;
use crate::logging::TRACEBACK;
use crate::python::error::PythonError;
use crate::python::gil::attach::{attached, main_thread};

/// Whether an interpreter runs in this process.
#[must_use]
pub fn is_running() -> bool {
    // SAFETY: always allowed.
    unsafe { ffi::Py_IsInitialized() != 0 }
}

/// The version of the linked libpython, as it tells it.
fn version_text() -> String {
    // SAFETY: a static string of libpython's, there before the interpreter runs.
    unsafe { CStr::from_ptr(ffi::Py_GetVersion()) }.to_string_lossy().into_owned()
}

/// For the operator: the version, and the environment that the application runs in, if it is known:
/// `CPython 3.11.7, /srv/site/.venv`.
#[must_use]
pub fn description() -> String {
    let text = version_text();
    let version = text.split_whitespace().next().unwrap_or_default();
    environment().map_or_else(
        || format!("CPython {version}"),
        |path| format!("CPython {version}, {}", path.display()),
    )
}

/// Where it lies: `sys.prefix`, or what that will be.
fn environment() -> Option<PathBuf> {
    if is_running() {
        return attached(|py| py.import("sys")?.getattr("prefix")?.extract()).ok();
    }
    // What is wrong with it is said where it is used.
    Some(home().ok()?.executable?.parent()?.parent()?.to_owned())
}

/// The same, such as `(3, 11)`.
fn linked_version() -> (u32, u32) {
    let text = version_text();
    let mut parts = text.split(['.', ' ']).map_while(|part| part.parse().ok());
    (parts.next().unwrap_or(3), parts.next().unwrap_or(0))
}

/// Starts the interpreter on the calling thread, which becomes Python's main thread and holds the
/// GIL. Nothing happens if it runs already.
///
/// # Errors
/// See [`PythonError`].
pub fn start(arguments: &[OsString]) -> Result<(), PythonError> {
    versions::check(&version_text())?;
    if is_running() {
        return check_reach();
    }
    initialize(&home()?, arguments)
}

/// Whether this process, whose user may be another one by now, can still import.
fn check_reach() -> Result<(), PythonError> {
    let places = attached(|py| -> PyResult<[PathBuf; 2]> {
        let prefix: PathBuf = py.import("sys")?.getattr("prefix")?.extract()?;
        Ok([py.import("encodings")?.getattr("__file__")?.extract()?, prefix.join("lib")])
    });
    // They are not files everywhere.
    places.into_iter().flatten().try_for_each(|place| closed::check(&place))
}

fn home() -> Result<Home, PythonError> {
    let virtual_env = std::env::var_os("VIRTUAL_ENV").filter(|env| !env.is_empty());
    let binary = std::env::current_exe().ok();
    Home::find(virtual_env.as_deref().map(Path::new), binary.as_deref(), linked_version())
}

fn initialize(home: &Home, arguments: &[OsString]) -> Result<(), PythonError> {
    // SAFETY: an all-zero PyConfig is what PyConfig_InitPythonConfig wants to fill.
    let mut config: ffi::PyConfig = unsafe { std::mem::zeroed() };
    // SAFETY: `config` outlives every call; the strings end in NUL and are copied.
    unsafe {
        ffi::PyConfig_InitPythonConfig(&raw mut config);
        config.parse_argv = 0;
        // Signals are ours; SIGINT is not KeyboardInterrupt in a server.
        config.install_signal_handlers = 0;
        let argv: Vec<CString> = arguments
            .iter()
            .filter_map(|argument| CString::new(argument.as_bytes()).ok())
            .collect();
        let mut pointers: Vec<_> = argv.iter().map(|a| a.as_ptr().cast_mut()).collect();
        let mut status = ffi::PyConfig_SetBytesArgv(
            &raw mut config,
            pointers.len() as isize,
            pointers.as_mut_ptr().cast(),
        );
        if let Some(executable) = &home.executable
            && ffi::PyStatus_Exception(status) == 0
        {
            let path = c_path(executable)?;
            let target = &raw mut config.executable;
            status = ffi::PyConfig_SetBytesString(&raw mut config, target, path.as_ptr());
        }
        if ffi::PyStatus_Exception(status) == 0 {
            status = ffi::Py_InitializeFromConfig(&raw const config);
        }
        ffi::PyConfig_Clear(&raw mut config);
        if ffi::PyStatus_Exception(status) != 0 {
            let reason = if status.err_msg.is_null() {
                "unknown".into()
            } else {
                CStr::from_ptr(status.err_msg).to_string_lossy()
            };
            return Err(PythonError::Start(reason.into_owned()));
        }
    }
    ignore_signals();
    Ok(())
}

fn c_path(path: &Path) -> Result<CString, PythonError> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| PythonError::NulInPath(path.to_owned()))
}

/// As `python3` does (Modules/signalmodule.c, `signal_install_handlers`): a write to a closed socket,
/// or beyond the longest file that is allowed, is an `OSError`, not the end of the process.
fn ignore_signals() {
    for signal in [libc::SIGPIPE, libc::SIGXFSZ] {
        // SAFETY: sets a disposition.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// Puts directories first in `sys.path`, the last of them first of all, and the standard library before
/// them. Those that are there already stay where they are.
///
/// # Errors
/// The text of the Python exception.
pub fn prepare_path(directories: &[&Path]) -> Result<(), PythonError> {
    attached(|py| {
        let prepare = || -> PyResult<()> {
            put_library_first(py)?;
            let path = py.import("sys")?.getattr("path")?;
            let path = path.cast::<PyList>()?;
            for directory in directories {
                let text = OsString::from_vec(directory.as_os_str().as_bytes().to_vec());
                if !path.contains(&text)? {
                    path.insert(0, text)?;
                }
            }
            Ok(())
        };
        prepare().map_err(|error| traceback::raised(py, &error))
    })
}

/// Sets variables in `os.environ`, and so in the process's environment.
///
/// # Errors
/// The text of the Python exception.
pub fn set_environ(variables: &[(String, String)]) -> Result<(), PythonError> {
    attached(|py| {
        let set = || -> PyResult<()> {
            let environ = py.import("os")?.getattr("environ")?;
            for (name, value) in variables {
                environ.set_item(name, value)?;
            }
            Ok(())
        };
        set().map_err(|error| traceback::raised(py, &error))
    })
}

/// Sets what green threads need of this CPython, before they run in it. On the main thread.
///
/// # Errors
/// See [`PythonError`].
pub fn preflight() -> Result<(), PythonError> {
    attached(|py| {
        let set = || py.import("sys")?.call_method1("setswitchinterval", (SWITCH_SECONDS,));
        set().map(drop).map_err(|error| traceback::raised(py, &error))
    })
}

/// How long a thread asks for the GIL before its holder must give it up (`sys.setswitchinterval`).
/// All green threads stand still while the application's own threads compute, and a preemption takes
/// this long: with CPython's default of 5 ms one computing thread leaves 550 switches a second, with
/// this 4,000.
const SWITCH_SECONDS: f64 = 0.0005;

/// Gives the GIL up in the master while it waits, if there is an interpreter: threads that a config
/// file started may run meanwhile.
pub fn while_waiting(wait: impl FnOnce()) {
    if is_running() { main_thread(wait) } else { wait() }
}

/// Ends what the application has begun: joins its threads, runs atexit, flushes its output. The
/// process ends by `_exit` after this.
pub fn end() {
    attached(|py| {
        // What Py_FinalizeEx does before it takes anything down (Python/pylifecycle.c).
        for (module, function) in [("threading", "_shutdown"), ("atexit", "_run_exitfuncs")] {
            call(py, module, function);
        }
        for stream in ["stdout", "stderr"] {
            let flush = || py.import("sys")?.getattr(stream)?.call_method0("flush");
            // A closed or missing stream owes nothing.
            drop(flush());
        }
    });
}

fn call(py: Python<'_>, module: &str, function: &str) {
    let done = py.import(module).and_then(|module| module.call_method0(function));
    if let Err(error) = done {
        log::error!(target: TRACEBACK, "an exception at the end of the application:\n{}", traceback::format(py, &error));
    }
}
