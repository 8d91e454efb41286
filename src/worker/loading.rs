//! The application of a worker, and what is shown in its place where that does not load or start and the files are
//! watched (`--reload`).

use std::ffi::OsString;

use pyo3::types::PyDict;
use pyo3::{Py, PyAny};

use super::error::BootError;
use super::reloader::Reloader;
use crate::config::{Settings, WorkerClass};
use crate::logging::{AccessLog, TRACEBACK};
use crate::python;

/// An application that was loaded, or its stand-in.
pub struct Loaded {
    /// To be served.
    pub application: Py<PyAny>,
    /// Whether that is a WSGI application of ours, which shows a traceback.
    pub is_stand_in: bool,
    /// To be started once the worker is ready.
    pub reloader: Option<Reloader>,
}

impl Loaded {
    /// It was loaded before the fork.
    pub fn before(application: Py<PyAny>) -> Self {
        Self { application, is_stand_in: false, reloader: None }
    }

    /// Loads it, and watches its files if that was asked for.
    ///
    /// # Errors
    /// See [`BootError`]; what nobody waits for to be mended.
    pub fn now(
        settings: &Settings,
        arguments: &[OsString],
        names: Option<&Py<PyDict>>,
        access_log: Option<&AccessLog>,
    ) -> Result<Self, BootError> {
        let load = || load(settings, arguments, names, access_log);
        let Some(reload) = &settings.reload else { return Ok(Self::before(load()?)) };
        python::start(arguments)?;
        let mut reloader = Reloader::new(reload, &settings.import_path())?;
        match load() {
            // gunicorn: only for a SyntaxError.
            Err(BootError::Load(error)) => {
                let application = shown(&mut reloader, &error.to_string(), "load")?;
                Ok(Self { application, is_stand_in: true, reloader: Some(reloader) })
            }
            loaded => Ok(Self { reloader: Some(reloader), ..Self::before(loaded?) }),
        }
    }

    /// It does not do what it should (`load`, `start`) and is replaced, if its files are watched.
    ///
    /// # Errors
    /// They are not: what is wrong.
    pub fn show(&mut self, error: BootError, what: &str) -> Result<(), BootError> {
        let Some(reloader) = &mut self.reloader else { return Err(error) };
        self.application = shown(reloader, &error.to_string(), what)?;
        self.is_stand_in = true;
        Ok(())
    }
}

fn shown(reloader: &mut Reloader, text: &str, what: &str) -> Result<Py<PyAny>, BootError> {
    log::error!(target: TRACEBACK, "The application does not {what}:\n{text}");
    reloader.failed(text.to_owned());
    Ok(python::failed_application(text)?)
}

/// Loads the application into this process. `names` are those of the config file; `access_log` is
/// where the application's logger `gunicorn.access` leads.
///
/// # Errors
/// See [`BootError`].
pub fn load(
    settings: &Settings,
    arguments: &[OsString],
    names: Option<&Py<PyDict>>,
    access_log: Option<&AccessLog>,
) -> Result<Py<PyAny>, BootError> {
    std::env::set_current_dir(&settings.chdir)
        .map_err(|source| BootError::Chdir { path: settings.chdir.clone(), source })?;
    python::start(arguments)?;
    python::make_module()?;
    python::make_websocket_module()?;
    python::prepare_mounting()?;
    python::set_environ(&settings.raw_env)?;
    python::prepare_path(&settings.import_path())?;
    if !python::has_loggers() {
        python::set_up_loggers(settings, access_log, names)?;
    }
    if settings.spew {
        python::spew()?;
    }
    python::adapt_gevent(settings.worker_class == WorkerClass::Coroutine)?;
    let worker_class = settings.worker_class.to_string();
    let (spec, interface) = (&settings.wsgi_app.0, settings.asgi.interface.as_str());
    Ok(python::load(spec, interface, &worker_class, &settings.start_directory)?)
}

/// `--check-config`: whether the application loads, with the rights that a worker has. What is wrong.
///
/// # Errors
/// See [`BootError`]; the exit code is 1, as gunicorn's.
pub fn check(
    settings: &Settings,
    arguments: &[OsString],
    names: Option<&Py<PyDict>>,
) -> Result<(), BootError> {
    settings.identity.assume().map_err(BootError::Identity)?;
    load(settings, arguments, names, None).map(drop)
}
