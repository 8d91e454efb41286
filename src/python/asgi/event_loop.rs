//! The asyncio loop of a worker, and what comes to it from the engine.
//!
//! One eventfd, raised once for whatever has come since the loop looked last.

mod looks;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::mem;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use pyo3::types::PyDict;
use unicoro_contract::{AfterServe, Connection, Pulse, ResidentsWord, tell_engine};
use unicoro_sys::event_fd::EventFd;

use super::exchange::Exchange;
use super::executor::Executor;
use super::home::Home;
use super::host::{Host, Opened};
use super::lifespan::Minder;
use super::module::{Functions, module};
use super::ready::Ready;
use super::scope::Scopes;
use super::standstill::{Standstill, Watch};
use crate::exchange::Place;
use crate::http::Head;
use crate::logging::TRACEBACK;
use crate::python::error::PythonError;
use crate::python::gil::attach::attached;
use crate::python::interp::fork::end_if_stray;
use crate::python::interp::interned::interned;
use crate::python::interp::stack::python_stack_of;
use crate::python::interp::traceback;
use crate::websocket::Upgrade;

/// How an application is to be served, by the settings.
pub struct LoopSettings<'a> {
    /// `auto`, `asyncio` or `uvloop`.
    pub kind: &'a str,
    /// `auto`, `on` or `off`.
    pub lifespan: &'a str,
    /// Where it is mounted.
    pub root_path: &'a str,
    /// So many functions that block run at once.
    pub threads: usize,
    /// Of anyio's threads, if they are to be green.
    pub anyio_threads: Option<usize>,
    /// How long a worker may take to end.
    pub graceful_timeout: Duration,
    /// How long requests are waited for when the worker ends, before they are cancelled.
    pub patience: Duration,
    /// What tells the supervisor that the worker lives.
    pub pulse: Arc<dyn Pulse>,
    /// How often.
    pub beat: Duration,
}

/// The loop, with the application on it.
pub struct EventLoop {
    application: Py<PyAny>,
    event_loop: Py<PyAny>,
    create_task: Py<PyAny>,
    // The application may set one at any time.
    get_task_factory: Py<PyAny>,
    create_future: Py<PyAny>,
    lifespan: Py<PyAny>,
    scopes: Scopes,
    phrases: HashMap<u16, String>,
    functions: Functions,
    nothing: Py<Ready>,
    executor: Arc<Executor>,
    // It would end, but for functions that run.
    awaits_executor: AtomicBool,
    bell: EventFd,
    is_rung: AtomicBool,
    post: Mutex<Post>,
    end: AtomicU8,
    // When the worker was asked to end, and how long requests may go on then.
    ending: OnceLock<Instant>,
    patience: Duration,
    // uvloop keeps a second stop for its next run.
    is_stopped: AtomicBool,
    running: Mutex<Running>,
    host: OnceLock<&'static dyn Host>,
    // Of the thread that it lives in, as Python knows it.
    identity: AtomicUsize,
    turns: AtomicU64,
    watch: Mutex<Watch>,
}

/// What has come since the loop looked last.
#[derive(Default)]
struct Post {
    // Each with when its head was whole.
    connections: VecDeque<(Box<Connection>, Instant)>,
    ready: Vec<u64>,
    // Nobody looks any more.
    is_closed: bool,
}

/// The requests in progress, the oldest first: whose answer is not whole, or whose task has not ended.
#[derive(Default)]
struct Running {
    last: u64,
    exchanges: BTreeMap<u64, Py<Exchange>>,
    // Those that have become WebSockets, which have no deadline.
    lasting: HashMap<u64, Py<Exchange>>,
    // Of these, those that wait for their clients.
    waiting: HashSet<u64>,
    // When the next look at deadlines is due, if one is.
    next_look: Option<Instant>,
    // All were cancelled, because they would have kept the worker.
    is_cut_off: bool,
}

// How the loop is to end.
const LIVES: u8 = 0;
const DISMISSED: u8 = 1;
const QUITS: u8 = 2;

impl EventLoop {
    /// A loop for this application, which has started on it. On the main thread. It stays for the life of the
    /// process.
    ///
    /// # Errors
    /// There is no such loop, or the application does not start: its traceback, or its own words.
    pub fn start(
        application: &Py<PyAny>,
        settings: &LoopSettings<'_>,
    ) -> Result<&'static Self, PythonError> {
        attached(|py| {
            let made = Self::make(py, application.clone_ref(py), settings)
                .map_err(|error| traceback::raised(py, &error))?;
            let begun = module(py)
                .and_then(|module| {
                    module.call_method1("begin", (&made.event_loop, &made.lifespan))?.extract()
                })
                .map_err(|error| traceback::raised(py, &error))?;
            match begun {
                None => Ok(&*Box::leak(Box::new(made))),
                Some(failure) => Err(PythonError::Raised(failure)),
            }
        })
    }

    fn make(py: Python<'_>, application: Py<PyAny>, settings: &LoopSettings<'_>) -> PyResult<Self> {
        let module = module(py)?;
        let event_loop = module.call_method1("new_loop", (settings.kind,))?;
        let executor = Executor::new(settings.threads);
        executor.install(&event_loop, settings.anyio_threads)?;
        let minder =
            Minder::new(Arc::clone(&settings.pulse), settings.beat, settings.graceful_timeout);
        let lifespan =
            module.getattr("Lifespan")?.call1((&application, settings.lifespan, minder))?;
        let state = lifespan.getattr("state")?.cast_into::<PyDict>()?.unbind();
        Ok(Self {
            application,
            create_task: event_loop.getattr("create_task")?.unbind(),
            get_task_factory: event_loop.getattr("get_task_factory")?.unbind(),
            create_future: event_loop.getattr("create_future")?.unbind(),
            event_loop: event_loop.unbind(),
            lifespan: lifespan.unbind(),
            scopes: Scopes::new(py, settings.root_path, state)?,
            phrases: module.getattr("PHRASES")?.extract()?,
            functions: Functions::find(py)?,
            nothing: Py::new(py, Ready::empty())?,
            executor,
            awaits_executor: AtomicBool::new(false),
            bell: EventFd::new()?,
            is_rung: AtomicBool::new(false),
            post: Mutex::default(),
            end: AtomicU8::new(LIVES),
            ending: OnceLock::new(),
            patience: settings.patience,
            is_stopped: AtomicBool::new(false),
            running: Mutex::default(),
            host: OnceLock::new(),
            identity: AtomicUsize::new(0),
            turns: AtomicU64::new(0),
            watch: Mutex::default(),
        })
    }

    /// Its class, for the log: `uvloop.Loop`.
    #[must_use]
    pub fn name(&self) -> String {
        attached(|py| {
            let class = self.event_loop.bind(py).get_type();
            class.fully_qualified_name().map_or_else(|_| "?".into(), |name| name.to_string())
        })
    }

    /// Runs the loop until it is dismissed. In the green thread of the engine's resident.
    pub fn live(&'static self, host: &'static dyn Host) {
        // Once in the life of a worker.
        let _ = self.host.set(host);
        attached(|py| {
            let run = || -> PyResult<()> {
                let identity = py.import("threading")?.call_method0("get_ident")?.extract()?;
                self.identity.store(identity, Ordering::Relaxed);
                self.executor.open(true);
                let turn = Bound::new(py, Turn { home: self })?;
                let bell = self.bell.as_fd().as_raw_fd();
                module(py)?.call_method1("run", (&self.event_loop, bell, turn))?;
                Ok(())
            };
            if let Err(error) = run() {
                log::error!(target: TRACEBACK, "the event loop has failed:\n{}", traceback::format(py, &error));
            }
            self.executor.open(false);
            self.identity.store(0, Ordering::Relaxed);
            let was_stopped = self.end.load(Ordering::Relaxed) == LIVES;
            if was_stopped {
                log::error!(
                    "the event loop was ended by what it ran (sys.exit() in a task, loop.stop()), so this \
                     worker ends"
                );
            }
            // Whoever is left has no loop any more.
            let (left, lasting) = {
                let mut running = self.running();
                (mem::take(&mut running.exchanges), mem::take(&mut running.lasting))
            };
            if was_stopped {
                self.abandon(py, left.values().chain(lasting.values()));
            }
            drop((left, lasting));
        });
    }

    /// The clients of a loop that is no more: each is parted with.
    fn abandon<'a>(&self, py: Python<'_>, left: impl Iterator<Item = &'a Py<Exchange>>) {
        for exchange in left {
            if let Ok(mut exchange) = exchange.bind(py).try_borrow_mut() {
                exchange.abandon(py);
            }
        }
        let connections = {
            let mut post = self.post();
            post.is_closed = true;
            mem::take(&mut post.connections)
        };
        for (connection, _) in connections {
            tell_engine(ResidentsWord::Over(connection, AfterServe::Close));
        }
    }

    /// Tells the application that it ends. On the main thread, when nothing is served any more.
    pub fn end(&self) {
        attached(|py| {
            let ended = module(py).and_then(|module| {
                let quits = self.quits();
                module.call_method1("end", (&self.event_loop, &self.lifespan, quits))?.extract()
            });
            match ended {
                Ok(None) => {}
                Ok(Some(failure)) => {
                    let failure: String = failure;
                    log::error!(target: TRACEBACK, "the application's lifespan.shutdown has failed:\n{failure}");
                }
                Err(error) => {
                    log::error!(target: TRACEBACK, "an exception at the end of the event loop:\n{}", traceback::format(py, &error));
                }
            }
        });
    }

    /// A request for it. On the engine's thread.
    pub fn take(&self, connection: Box<Connection>) {
        let mut post = self.post();
        if post.is_closed {
            drop(post);
            return tell_engine(ResidentsWord::Over(connection, AfterServe::Close));
        }
        post.connections.push_back((connection, Instant::now()));
        drop(post);
        self.ring();
    }

    /// What the request of this number watches for has come. On the engine's thread.
    pub fn ready(&self, number: u64) {
        self.post().ready.push(number);
        self.ring();
    }

    /// It is to end when nothing runs any more; at once if it `quits`. On the engine's thread.
    pub fn dismiss(&self, quits: bool) {
        let end = if quits { QUITS } else { DISMISSED };
        let is_new = self.end.fetch_max(end, Ordering::Relaxed) < end;
        if is_new || self.executor.is_idle() && self.awaits_executor.swap(false, Ordering::Relaxed)
        {
            self.ring();
        }
    }

    /// Its worker ends. On the engine's thread, by and by.
    pub fn ends(&self, now: Instant) {
        if self.ending.set(now).is_ok() {
            self.ring();
        }
    }

    /// Looks whether it turns, and where it stands if it does not, for as long as `after`. On the main thread,
    /// by and by.
    pub fn standstill(&self, after: Duration) -> Option<(Standstill, Option<String>)> {
        let identity = self.identity.load(Ordering::Relaxed);
        if identity == 0 {
            return None;
        }
        let turns = self.turns.load(Ordering::Relaxed);
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        let said = watch.look(turns, after, Instant::now(), || self.ring())?;
        let is_standing = matches!(said, Standstill::Since(_));
        let stack = if is_standing { python_stack_of(identity) } else { None };
        Some((said, stack))
    }

    fn ring(&self) {
        if !self.is_rung.swap(true, Ordering::SeqCst) {
            self.bell.raise();
        }
    }

    fn post(&self) -> MutexGuard<'_, Post> {
        self.post.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        // By the loop's own thread alone, and never across a call of the language.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has come is looked at.
    fn turn(&'static self, py: Python<'_>) -> PyResult<()> {
        self.turns.fetch_add(1, Ordering::Relaxed);
        self.bell.lower();
        self.is_rung.store(false, Ordering::SeqCst);
        let (connections, ready) = {
            let mut post = self.post();
            (mem::take(&mut post.connections), mem::take(&mut post.ready))
        };
        for number in ready {
            if let Some(exchange) = self.find(py, number) {
                match exchange.try_borrow_mut() {
                    Ok(mut exchange) => exchange.ready(py),
                    // Another thread is about to leave it.
                    Err(_) => self.ready(number),
                }
            }
        }
        for (connection, came) in connections {
            self.host().open(connection, came, &mut |head, place, opened| {
                self.begin(py, head, place, opened);
            });
        }
        self.stop_if_dismissed(py);
        self.look_later(py)
    }

    fn find<'py>(&self, py: Python<'py>, number: u64) -> Option<Bound<'py, Exchange>> {
        let running = self.running();
        let found = running.exchanges.get(&number).or_else(|| running.lasting.get(&number));
        found.map(|exchange| exchange.bind(py).clone())
    }

    fn begin(&'static self, py: Python<'_>, head: &Head<'_>, place: &Place<'_>, opened: Opened) {
        let number = {
            let mut running = self.running();
            running.last += 1;
            running.last
        };
        let (upgrade, refusal) = match Upgrade::of(head) {
            Ok(upgrade) => (upgrade, None),
            Err(refusal) => (None, Some(refusal)),
        };
        let scope = match &upgrade {
            Some(upgrade) => self.scopes.build_websocket(py, head, place, &upgrade.subprotocols),
            None => self.scopes.build(py, head, place),
        };
        let exchange = match Bound::new(py, Exchange::new(number, self, opened, upgrade)) {
            Ok(exchange) => exchange,
            // No memory: the connection is lost with it.
            Err(error) => return drop(error),
        };
        self.running().exchanges.insert(number, exchange.clone().unbind());
        if let Some(refusal) = refusal {
            return exchange.borrow_mut().refuse(py, &refusal);
        }
        if self.running().is_cut_off {
            return exchange.borrow_mut().refuse_at_end(py);
        }
        if let Some(timeout) = self.host().request_timeout()
            && exchange.borrow().began().is_some_and(|began| began.elapsed() >= timeout)
        {
            // Those before it have held the loop up for so long.
            return exchange.borrow_mut().refuse_overdue(py, timeout);
        }
        match scope.and_then(|scope| self.create_task_of(py, &scope, &exchange)) {
            Ok(task) => exchange.borrow_mut().begin(task),
            Err(error) => exchange.borrow_mut().lost(py, &error),
        }
    }

    fn create_task_of(
        &self,
        py: Python<'_>,
        scope: &Bound<'_, PyDict>,
        exchange: &Bound<'_, Exchange>,
    ) -> PyResult<Py<PyAny>> {
        if !self.get_task_factory.bind(py).call0()?.is_none() {
            let serve = self.functions.serve_by_factory.bind(py);
            let task = serve.call1((&self.create_task, &self.application, scope, exchange))?;
            return Ok(task.unbind());
        }
        let serve = self.functions.serve.bind(py);
        let life = serve.call1((&self.application, scope, exchange))?;
        // To its pause.
        life.call_method1(interned!(py, "send"), (py.None(),))?;
        let task = self.create_task.bind(py).call1((&life,));
        // Before the coroutine is closed, which tells its end.
        let task = task.inspect_err(|_| exchange.borrow_mut().never_begins())?;
        Ok(task.unbind())
    }

    fn stop_if_dismissed(&self, py: Python<'_>) {
        // At the very end it runs on the main thread, and what ends there is cut off anyway.
        if self.identity.load(Ordering::Relaxed) == 0 {
            return;
        }
        let stops = match self.end.load(Ordering::Relaxed) {
            LIVES => false,
            DISMISSED if self.is_busy() => false,
            DISMISSED => {
                self.awaits_executor.store(true, Ordering::Relaxed);
                self.executor.is_idle()
            }
            _ => true,
        };
        if stops
            && !self.is_stopped.swap(true, Ordering::Relaxed)
            && let Err(error) = self.event_loop.call_method0(py, interned!(py, "stop"))
        {
            log::error!("the event loop does not stop: {error}");
        }
    }

    /// Whether a request is in progress, or a WebSocket open.
    fn is_busy(&self) -> bool {
        let running = self.running();
        !running.exchanges.is_empty() || !running.lasting.is_empty()
    }
}

impl Home for EventLoop {
    fn host(&self) -> &'static dyn Host {
        *self.host.get().expect("requests come while it lives")
    }

    fn functions(&self) -> &Functions {
        &self.functions
    }

    fn nothing(&self) -> &Py<Ready> {
        &self.nothing
    }

    fn new_future<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.create_future.bind(py).call0()
    }

    fn push_status(&self, status: u16, line: &mut Vec<u8>) {
        line.extend_from_slice(status.to_string().as_bytes());
        if let Some(phrase) = self.phrases.get(&status) {
            line.push(b' ');
            line.extend_from_slice(phrase.as_bytes());
        }
    }

    fn wait_for_client(&'static self, py: Python<'_>, number: u64) -> PyResult<()> {
        self.running().waiting.insert(number);
        self.look_later(py)
    }

    fn tell(&self, number: u64) {
        self.ready(number);
    }

    fn lasts(&self, number: u64) {
        let mut running = self.running();
        if let Some(exchange) = running.exchanges.remove(&number) {
            running.lasting.insert(number, exchange);
        }
    }

    fn quits(&self) -> bool {
        self.end.load(Ordering::Relaxed) == QUITS
    }

    fn forget(&self, py: Python<'_>, number: u64) {
        let forgotten = {
            let mut running = self.running();
            running.exchanges.remove(&number).or_else(|| running.lasting.remove(&number))
        };
        drop(forgotten);
        self.stop_if_dismissed(py);
    }
}

/// What the loop calls when the bell was rung.
#[pyclass(module = "unicoro", frozen)]
struct Turn {
    home: &'static EventLoop,
}

#[pymethods]
impl Turn {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        // The bell is the parent's.
        end_if_stray(py, None);
        self.home.turn(py)
    }
}
