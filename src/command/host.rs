//! What the supervisor asks of the program: settings, the interpreter around a fork, a worker.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;

use crate::config::{self, Bind, Halt, Invocation, Settings};
use crate::engines;
use crate::listening::address::Address;
use crate::listening::listener::{BindOptions, Listener};
use crate::logging::AccessLog;
use crate::python::{self, Hooks};
use crate::supervisor::inheritance::Inheritance;
use crate::supervisor::{Host, HostError, Options, Station};
use crate::worker::{self, Equipment};
use pyo3::types::PyDict;
use pyo3::{Py, PyAny};
use unicoro_sys::process::{Exit, Pid};
use unicoro_sys::signal::end_by_stop;
use unicoro_sys::title::set_title;

use super::failure::Failure;
use super::logs::open_logs;
use super::start::Start;

/// Settings and, with preload_app, the application, of one generation of workers.
struct Edition {
    settings: Arc<Settings>,
    names: Option<Py<PyDict>>,
    application: Option<Py<PyAny>>,
    access_log: Option<AccessLog>,
    /// The number of its first worker, once there is one.
    first_worker: Option<u64>,
}

/// The program, as the supervisor sees it.
pub struct WorkerHost {
    invocation: Invocation,
    start: Start,
    /// Of these, what a reload does not take over holds until the end.
    started: Arc<Settings>,
    editions: BTreeMap<u64, Edition>,
    hooks: Arc<Hooks>,
    systemd: Vec<RawFd>,
}

impl WorkerHost {
    /// The first generation.
    ///
    /// # Errors
    /// With preload_app, an application that does not load; or a bug.
    pub fn new(
        invocation: Invocation,
        start: Start,
        Configuration { settings, names }: Configuration,
        access_log: Option<AccessLog>,
        systemd: Vec<RawFd>,
    ) -> Result<Self, Failure> {
        engines::choose(&settings).engine.check().map_err(Failure::Engine)?;
        let hooks = Hooks::default();
        hooks.load(1, &settings, names.as_ref())?;
        let application = if settings.preload_app {
            let loaded =
                worker::load(&settings, &start.arguments, names.as_ref(), access_log.as_ref());
            let application = loaded.map_err(Failure::Preload)?;
            hooks.preloaded(&application);
            Some(application)
        } else {
            None
        };
        let started = Arc::new(settings);
        let settings = Arc::clone(&started);
        let first_worker = None;
        let first = Edition { settings, names, application, access_log, first_worker };
        let editions = BTreeMap::from([(1, first)]);
        let hooks = Arc::new(hooks);
        Ok(Self { invocation, start, started, editions, hooks, systemd })
    }
}

impl Host for WorkerHost {
    fn run_worker(&mut self, station: Station) -> i32 {
        let Some(edition) = self.editions.remove(&station.generation) else {
            log::error!("a bug: there are no settings for generation {}", station.generation);
            return 1;
        };
        let choice = engines::choose(&edition.settings);
        let Edition { settings, names, application, access_log, first_worker } = edition;
        let equipment = Equipment {
            settings,
            arguments: self.start.arguments.clone(),
            names,
            application,
            access_log,
            is_first: first_worker == Some(station.number),
            hooks: Arc::clone(&self.hooks),
        };
        worker::run(station, equipment, choice)
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

    fn reload(&mut self, generation: u64) -> Result<Options, HostError> {
        // Another one by now if it is behind a symlink; config files read what lies beside them.
        let cwd = &self.invocation.cwd;
        std::env::set_current_dir(cwd)
            .map_err(|source| Failure::StartDirectory { path: cwd.clone(), source })?;
        let Configuration { settings, names } =
            read_settings(&self.invocation, &self.start.arguments)?;
        // gunicorn: a preloaded application is not loaded again by HUP; new code needs a restart
        // of the master. Said in the docs of preload_app.
        let newest = self.editions.values().next_back();
        let application = newest.and_then(|old| {
            old.application.as_ref().map(|app| pyo3::Python::attach(|py| app.clone_ref(py)))
        });
        engines::choose(&settings).engine.check().map_err(Failure::Engine)?;
        let options = options(&settings, &self.systemd)?;
        let access_log = open_logs(&settings, names.as_ref(), &self.start.arguments)?;
        self.hooks.load(generation, &settings, names.as_ref())?;
        let held_back = self.started.needing_restart(&settings).join(", ");
        if !held_back.is_empty() {
            log::warn!("These settings have changed, which only a restart takes over: {held_back}");
        }
        let settings = Arc::new(settings);
        let first_worker = None;
        let next = Edition { settings, names, application, access_log, first_worker };
        self.editions.insert(generation, next);
        Ok(options)
    }

    fn settled(&mut self, generation: u64) {
        self.editions.retain(|known, _| *known == generation);
        if let Some(kept) = self.editions.get(&generation) {
            title_of_master(&kept.settings, "");
        }
        self.hooks.settle(generation);
    }

    fn on_starting(&mut self) -> Result<(), HostError> {
        Ok(self.hooks.on_starting()?)
    }

    fn when_ready(&mut self, listeners: &[Arc<Listener>]) -> Result<(), HostError> {
        Ok(self.hooks.when_ready(&shown(listeners))?)
    }

    fn on_reload(&mut self, generation: u64, listeners: &[Arc<Listener>]) -> Result<(), HostError> {
        Ok(self.hooks.on_reload(generation, &shown(listeners))?)
    }

    fn pre_fork(&mut self, number: u64, generation: u64) -> Result<(), HostError> {
        if let Some(edition) = self.editions.get_mut(&generation) {
            edition.first_worker.get_or_insert(number);
        }
        Ok(self.hooks.pre_fork(generation, number)?)
    }

    fn forked(&mut self, pid: Pid) {
        self.hooks.forked(pid.as_raw());
    }

    fn worker_exited(&mut self, _number: u64, pid: Pid, _exit: Exit) {
        self.hooks.child_exit(pid.as_raw());
    }

    fn workers_changed(&mut self, new: usize, old: Option<usize>) -> Result<(), HostError> {
        Ok(self.hooks.nworkers_changed(new, old)?)
    }

    fn pre_exec(&mut self) -> Result<(), HostError> {
        Ok(self.hooks.pre_exec()?)
    }

    fn exec(&mut self, variables: &[(&str, String)]) -> io::Error {
        let Some((name, arguments)) = self.start.command_line.split_first() else {
            return io::ErrorKind::NotFound.into();
        };
        Command::new(self.invocation.cwd.join(&self.start.program))
            .arg0(name)
            .args(arguments)
            .envs(variables.iter().map(|(name, value)| (*name, value)))
            .current_dir(&self.invocation.cwd)
            .exec()
    }

    fn promoted(&mut self) {
        if let Some(newest) = self.editions.values().next_back() {
            title_of_master(&newest.settings, "");
        }
    }

    fn wait(&mut self, wait: &mut dyn FnMut()) {
        python::while_waiting(wait);
    }

    fn on_exit(&mut self) {
        self.hooks.on_exit();
    }
}

/// Listeners as hooks see them: descriptors, and names in the log.
fn shown(listeners: &[Arc<Listener>]) -> Vec<(RawFd, String)> {
    let shown = |listener: &Arc<Listener>| (listener.as_raw_fd(), listener.address().to_owned());
    listeners.iter().map(shown).collect()
}

/// What was read: the settings, and the names that the config file left, for its hooks.
pub struct Configuration {
    /// The settings.
    pub settings: Settings,
    /// `None` without a config file.
    pub names: Option<Py<PyDict>>,
}

/// Reads the settings from every source.
///
/// # Errors
/// What `config::load` says.
pub fn read_settings(
    invocation: &Invocation,
    arguments: &[OsString],
) -> Result<Configuration, Halt> {
    let mut names = None;
    let settings = config::load(invocation, &mut |source| {
        // gunicorn's too is ended by a signal while it runs what others wrote. Without effect on a reload.
        end_by_stop();
        python::start(arguments).and_then(|()| python::prepare_path(&[&invocation.cwd])).map_err(
            |error| {
                config::ConfigError::new(error.to_string(), "a config file needs Python to run")
            },
        )?;
        let file = python::run_config_file(source)?;
        names = Some(file.names);
        Ok(file.values)
    })?;
    Ok(Configuration { settings, names })
}

/// The process title of the master; `rank` tells one that is to replace another.
pub fn title_of_master(settings: &Settings, rank: &str) {
    set_title(&format!("unicoro: master [{}{rank}]", settings.proc_name));
}

/// What the supervisor needs of the settings.
///
/// # Errors
/// A backlog that is none.
pub fn options(settings: &Settings, systemd: &[RawFd]) -> Result<Options, Failure> {
    let backlog =
        u32::try_from(settings.backlog).map_err(|_| Failure::Backlog(settings.backlog))?;
    Ok(Options {
        workers: settings.workers,
        timeout: settings.timeout,
        graceful_timeout: settings.graceful_timeout,
        pidfile: settings.pidfile.clone(),
        // gunicorn: systemd's sockets replace `bind`.
        binds: match systemd {
            [] => settings.bind.iter().map(address).collect(),
            numbers => numbers.iter().map(|number| Address::Fd(*number)).collect(),
        },
        bind_options: BindOptions {
            backlog,
            reuse_port: settings.reuse_port,
            umask: settings.umask,
            owner: settings.identity,
        },
        worker_class: settings.worker_class.to_string(),
        interpreter: python::description(),
        inheritance: Inheritance::default(),
        daemon: settings.daemon,
        has_backlog_metric: settings.logs.statsd.as_ref().is_some_and(|statsd| statsd.has_backlog),
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
