//! What the supervisor asks of the program: settings, the interpreter around a fork, a worker.

use std::collections::HashMap;
use std::ffi::OsString;
use std::sync::Arc;

use pyo3::{Py, PyAny};
use unicoro::config::{self, Bind, Invocation, Settings, Stop};
use unicoro::engines;
use unicoro::logging::{self, LogLevel};
use unicoro::python;
use unicoro::supervisor::{Host, Options, WorkerSeat};
use unicoro::sys::address::Address;
use unicoro::sys::listener::BindOptions;
use unicoro::worker;

/// Settings and, with preload_app, the application, of one generation of workers.
struct Generation {
    settings: Arc<Settings>,
    application: Option<Py<PyAny>>,
}

/// The program, as the supervisor sees it.
pub struct WorkerHost {
    invocation: Invocation,
    arguments: Vec<OsString>,
    generations: HashMap<u64, Generation>,
}

impl WorkerHost {
    /// The first generation.
    ///
    /// # Errors
    /// With preload_app, the exit code and text of an application that does not load.
    pub fn new(
        invocation: Invocation,
        arguments: Vec<OsString>,
        settings: Settings,
    ) -> Result<Self, (i32, String)> {
        let application = if settings.preload_app {
            let loaded = worker::load(&settings, &arguments);
            Some(loaded.map_err(|(failure, text)| (failure.exit_code(), text))?)
        } else {
            None
        };
        let first = Generation { settings: Arc::new(settings), application };
        Ok(Self { invocation, arguments, generations: HashMap::from([(1, first)]) })
    }
}

impl Host for WorkerHost {
    fn run_worker(&mut self, seat: WorkerSeat) -> i32 {
        let Some(generation) = self.generations.remove(&seat.generation) else {
            log::error!("a bug: there are no settings for generation {}", seat.generation);
            return 1;
        };
        let choice = engines::choose(&generation.settings);
        worker::run(seat, &generation.settings, &self.arguments, generation.application, choice)
    }

    fn before_fork(&mut self) {
        python::before_fork();
    }

    fn after_fork_parent(&mut self) {
        python::after_fork_parent();
    }

    fn after_fork_child(&mut self) {
        python::after_fork_child();
    }

    fn reload(&mut self, generation: u64) -> Result<Options, String> {
        let settings =
            read_settings(&self.invocation, &self.arguments).map_err(|stop| stop.to_string())?;
        // gunicorn: a preloaded application is not loaded again by HUP; new code needs a restart
        // of the master. Said in the docs of preload_app.
        let newest = self.generations.values().next();
        let application = newest.and_then(|old| {
            old.application.as_ref().map(|app| pyo3::Python::attach(|py| app.clone_ref(py)))
        });
        let options = options(&settings)?;
        log_to(&settings)?;
        self.generations.insert(generation, Generation { settings: settings.into(), application });
        Ok(options)
    }

    fn settled(&mut self, generation: u64) {
        self.generations.retain(|known, _| *known == generation);
    }
}

/// Reads the settings from every source.
///
/// # Errors
/// What `config::load` says.
pub fn read_settings(invocation: &Invocation, arguments: &[OsString]) -> Result<Settings, Stop> {
    config::load(invocation, &mut |source| {
        python::start(arguments)
            .map_err(|text| config::ConfigError::new(text, "a config file needs Python to run"))?;
        python::run_config_file(source)
    })
}

/// Starts, or changes, logging.
///
/// # Errors
/// A text for the operator.
pub fn log_to(settings: &Settings) -> Result<(), String> {
    let level = match settings.loglevel {
        log::LevelFilter::Trace | log::LevelFilter::Debug => LogLevel::Debug,
        log::LevelFilter::Info => LogLevel::Info,
        log::LevelFilter::Warn => LogLevel::Warning,
        log::LevelFilter::Error => LogLevel::Error,
        log::LevelFilter::Off => LogLevel::Critical,
    };
    logging::init(&settings.errorlog, level).map_err(|error| format!("errorlog: {error}"))
}

/// What the supervisor needs of the settings.
///
/// # Errors
/// A text for the operator.
pub fn options(settings: &Settings) -> Result<Options, String> {
    let backlog = u32::try_from(settings.backlog)
        .map_err(|_| format!("backlog = {} is negative; give 1 or more", settings.backlog))?;
    Ok(Options {
        workers: settings.workers,
        timeout: settings.timeout,
        graceful_timeout: settings.graceful_timeout,
        pidfile: settings.pidfile.clone(),
        binds: settings.bind.iter().map(address).collect(),
        bind_options: BindOptions { backlog, reuse_port: false, umask: settings.umask },
        worker_class: settings.worker_class.to_string(),
        daemon: false,
    })
}

fn address(bind: &Bind) -> Address {
    match bind {
        Bind::Tcp { host, port } => Address::Tcp { host: host.clone(), port: *port },
        Bind::Unix(path) => Address::Unix(path.clone()),
        Bind::Abstract(name) => Address::Abstract(name.clone().into_bytes()),
        Bind::Fd(fd) => Address::Fd(*fd),
    }
}
