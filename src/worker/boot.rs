//! From the fork to the last request: what a worker does, in order.

use std::ffi::OsString;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use pyo3::types::PyDict;
use pyo3::{Py, PyAny};
use unicoro_contract::{Engine, EngineListener, Seat, Siblings, Stop, drain, watch_forks};
use unicoro_sys::signal_pipe::hear_alone;
use unicoro_sys::title::set_title;

use crate::config::{AsgiSettings, Settings};
use crate::logging::{self, AccessLog};
use crate::python::{self, Application, EventLoop, Hooks, LoopSettings, ServerFacts, Spoken};
use crate::supervisor::Station;
use crate::supervisor::scoreboard::SlotState;

use super::control::{Control, Early, shared};
use super::desk::Desk;
use super::error::BootError;
use super::loading::Loaded;
use super::pulse::WorkerPulse;
use super::quota::Quota;
use super::reloader::Reloader;
use super::serve::{Interface, Server};
use super::siblings::Colleagues;

/// An engine, and what the protocol must know of it.
pub struct EngineChoice {
    /// The engine.
    pub engine: Box<dyn Engine>,
    /// What runs the requests.
    pub concurrency: Concurrency,
    /// Whether a connection may wait for a next request.
    pub keeps_alive: bool,
}

/// What runs the requests of one worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concurrency {
    /// Requests run on the main thread, one after the other.
    None,
    /// Requests run on several OS threads.
    Threads,
    /// Requests run as green threads, on the OS thread that has the scheduler's role.
    GreenThreads,
}

/// What a worker is made of, beside its station. All of it comes from before the fork.
pub struct Equipment {
    /// The settings of the worker's generation.
    pub settings: Arc<Settings>,
    /// The process's own, for Python.
    pub arguments: Vec<OsString>,
    /// Those of the config file.
    pub names: Option<Py<PyDict>>,
    /// The application, if it was loaded before the fork.
    pub application: Option<Py<PyAny>>,
    /// Opened by the master, whose rights the worker may not have.
    pub access_log: Option<AccessLog>,
    /// Whether it is the first worker of a start or a reload, which speaks for all.
    pub is_first: bool,
    /// The hooks of the config file.
    pub hooks: Arc<Hooks>,
}

/// Runs a worker to its end; the exit code.
pub fn run(station: Station, equipment: Equipment, choice: EngineChoice) -> i32 {
    set_title(&format!("unicoro: worker [{}]", equipment.settings.proc_name));
    let hooks = Arc::clone(&equipment.hooks);
    logging::drain_in_background();
    let code = live(station, equipment, choice);
    hooks.worker_exit();
    logging::finish();
    code
}

/// Why it cannot serve goes to the supervisor.
fn live(station: Station, equipment: Equipment, choice: EngineChoice) -> i32 {
    let station = Arc::new(station);
    match serve(&station, equipment, choice) {
        Ok(()) => 0,
        Err(error) => station.failed(error.failure(), &error.to_string()),
    }
}

fn serve(
    station: &Arc<Station>,
    equipment: Equipment,
    choice: EngineChoice,
) -> Result<(), BootError> {
    station.slot.set_state(SlotState::Booting);
    let (settings, hooks) = (Arc::clone(&equipment.settings), Arc::clone(&equipment.hooks));
    let is_first = equipment.is_first;
    let Begun { server, stop, early, reloader, event_loop } = begin(station, equipment, &choice)?;
    python::begin_log_thread();
    if is_first {
        python::say_who_logs();
    }
    let no = |what| move |source| BootError::Missing { what, source };
    let control =
        Control::start(early, Arc::clone(&stop), station, &hooks).map_err(no("control thread"))?;
    let engine_seat = engine_seat(station, &settings, stop, reloader).map_err(no("engine"))?;
    // The time that the application took is behind it.
    station.slot.beat();
    python::main_thread(|| choice.engine.run(engine_seat, server))?;
    control.end_begins();
    // The application's handlers of the signal that has ended it run before Python code of the end runs them in
    // its midst; those of a second one never: systemd and timeout(1) send it.
    hear_alone(&shared());
    python::run_handlers();
    if let Some(event_loop) = event_loop {
        event_loop.end();
    }
    hooks.worker_exit();
    log::info!("Worker exiting (pid: {})", unicoro_sys::process::Pid::me());
    // The handlers end with Python.
    python::while_waiting(logging::take_back);
    python::end();
    Ok(())
}

/// A worker that could serve.
struct Begun {
    server: Arc<Server>,
    stop: Arc<Stop>,
    /// From the hook `post_worker_init` on: who has seen that may stop the worker.
    early: Early,
    /// To be started once it does.
    reloader: Option<Reloader>,
    /// Where the application is ASGI's.
    event_loop: Option<&'static EventLoop>,
}

fn begin(
    station: &Arc<Station>,
    equipment: Equipment,
    choice: &EngineChoice,
) -> Result<Begun, BootError> {
    let Equipment { settings, arguments, names, application, access_log, hooks, .. } = equipment;
    hooks.post_fork(station.generation).map_err(BootError::Hook)?;
    settings.identity.assume().map_err(BootError::Identity)?;
    let no_signals = |source| BootError::Missing { what: "signals", source };
    let mut early = Early::begin().map_err(no_signals)?;
    python::start(&arguments)?;
    python::share_signals(&shared())?;
    let mut loaded = match application {
        Some(application) => Loaded::before(application),
        None => Loaded::now(&settings, &arguments, names.as_ref(), access_log.as_ref())?,
    };
    python::use_sendfile(settings.sendfile);
    early.listen().map_err(no_signals)?;
    hooks.post_worker_init(&loaded.application).map_err(BootError::Hook)?;
    let event_loop = start_loop(&mut loaded, &settings, station)?;
    let facts = ServerFacts {
        multithread: choice.concurrency != Concurrency::None,
        multiprocess: settings.workers > 1,
    };
    let Loaded { application, reloader, .. } = loaded;
    let interface = match event_loop {
        Some(event_loop) => Interface::Asgi(event_loop),
        None => Interface::Wsgi(Application::new(application, facts, hooks.for_requests())?),
    };
    if choice.concurrency == Concurrency::GreenThreads {
        python::preflight()?;
    }
    let stop = Arc::new(Stop::new()?);
    let quota = Quota::new(&settings, Arc::clone(station));
    let (keeps_alive, its_stop) = (choice.keeps_alive, Arc::clone(&stop));
    let desk = Desk::new(station.slot);
    let server = Server::new(&settings, interface, keeps_alive, its_stop, access_log, quota, desk)?;
    python::watch_stacks(logging::error_log_fd())?;
    // From here on: a child of post_worker_init or of the import may go its own way.
    watch_forks();
    Ok(Begun { server: Arc::new(server), stop, early, reloader, event_loop })
}

/// The loop of an application that speaks ASGI, on which its lifespan has begun. With `--reload` one that does not
/// start is replaced by its traceback.
fn start_loop(
    loaded: &mut Loaded,
    settings: &Settings,
    station: &Station,
) -> Result<Option<&'static EventLoop>, BootError> {
    let AsgiSettings { interface, kind, lifespan, root_path, anyio_threads } = &settings.asgi;
    let is_asgi = || python::spoken_by(&loaded.application, interface.as_str()) == Spoken::Asgi;
    if loaded.is_stand_in || !is_asgi() {
        return Ok(None);
    }
    let graceful = settings.graceful_timeout;
    let loop_settings = LoopSettings {
        kind,
        lifespan,
        root_path,
        threads: settings
            .requests_in_progress
            .map_or(settings.worker_connections, NonZeroUsize::get),
        anyio_threads: *anyio_threads,
        graceful_timeout: graceful,
        patience: graceful.saturating_sub(last_words(graceful)),
        pulse: Arc::new(Desk::new(station.slot)),
        beat: beat(settings),
    };
    match EventLoop::start(&loaded.application, &loop_settings) {
        Ok(event_loop) => {
            log::debug!("ASGI on {}", event_loop.name());
            Ok(Some(event_loop))
        }
        Err(error) => loaded.show(BootError::Start(error), "start").map(|()| None),
    }
}

/// Left of `graceful_timeout` for requests that are cancelled then to clean up, for their clients to be parted with
/// (`idle_grace`), and for the lifespan to end.
fn last_words(graceful_timeout: Duration) -> Duration {
    (2 * drain::GRACE).min(graceful_timeout / 4)
}

/// How often a worker says that it lives.
fn beat(settings: &Settings) -> Duration {
    // Three signs in a time-out: one that is late is not a death.
    settings.timeout.map_or(LONGEST_BEAT, |timeout| (timeout / 3).min(LONGEST_BEAT))
}

/// An idle worker wakes this often, to say that it lives.
const LONGEST_BEAT: Duration = Duration::from_secs(1);

fn engine_seat(
    station: &Arc<Station>,
    settings: &Settings,
    stop: Arc<Stop>,
    reloader: Option<Reloader>,
) -> io::Result<Seat> {
    let listeners = station
        .listeners
        .iter()
        .map(|listener| EngineListener::new(listener.for_worker()?))
        .collect::<io::Result<_>>()?;
    let siblings: Arc<dyn Siblings> = Arc::new(Colleagues::of(station));
    Ok(Seat {
        beat: beat(settings),
        siblings: Some(siblings),
        listeners,
        worker_connections: settings.worker_connections,
        request_timeout: settings.request_timeout,
        idle_grace: last_words(settings.graceful_timeout) / 2,
        stop,
        pulse: Arc::new(WorkerPulse::new(station, reloader)),
    })
}
