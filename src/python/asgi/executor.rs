//! Functions of the application that may block, beside the loop: each in a green thread.
//!
//! ```text
//!   run_in_executor ─► submit ─► room: tell_engine ─► a green worker: the function, then the next that waits
//!                             └► none: it waits here
//! ```

use std::ffi::CStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::ffi::c_str;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use unicoro_contract::{ResidentsWord, tell_engine};

use super::turns::{Turn, Turns};
use crate::python::gil::attach::{attached, in_fresh_context};
use crate::python::interp::fork::end_if_stray;
use crate::python::interp::interned::interned;
use crate::python::interp::own_module;
use crate::python::loggers::records::log_raised;

/// The green threads beside a loop.
pub struct Executor {
    turns: Arc<Turns<Call>>,
    // There is an engine that makes green threads.
    is_open: AtomicBool,
}

impl Executor {
    /// One that runs so many functions at once, once it is open.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { turns: Turns::new(most), is_open: AtomicBool::new(false) })
    }

    /// Makes it the loop's default executor. With `anyio_threads`, anyio's threads are green too, and so many.
    ///
    /// # Errors
    /// There is no anyio; or a bug.
    pub fn install(
        self: &Arc<Self>,
        event_loop: &Bound<'_, PyAny>,
        anyio_threads: Option<usize>,
    ) -> PyResult<()> {
        let py = event_loop.py();
        let module = own_module::once(py, "unicoro._executor", || {
            PyModule::from_code(py, SOURCE, c"<unicoro._executor>", c"unicoro._executor")
        })?;
        let beginner = Bound::new(py, Beginner { executor: Arc::clone(self) })?;
        let threads = module.getattr("GreenThreads")?.call1((&beginner,))?;
        event_loop.call_method1("set_default_executor", (threads,))?;
        if let Some(count) = anyio_threads {
            let adapted = module.getattr("adapt_anyio")?.call1((beginner, count))?;
            event_loop.call_method1("run_until_complete", (adapted,))?;
        }
        Ok(())
    }

    /// Whether functions get green threads from now on.
    pub fn open(&self, is_open: bool) {
        self.is_open.store(is_open, Ordering::Relaxed);
    }

    /// Whether nothing runs, and nothing waits.
    pub fn is_idle(&self) -> bool {
        self.turns.is_idle()
    }

    /// False: there are no green threads.
    fn begin(&self, call: Call) -> bool {
        if !self.is_open.load(Ordering::Relaxed) {
            return false;
        }
        if let Some(turn) = self.turns.take(call) {
            run(turn);
        }
        true
    }
}

/// Has a green thread make the calls, one after the other.
fn run(turn: Turn<Call>) {
    tell_engine(ResidentsWord::Task(Box::new(move || {
        let begin_another = |turn| run(turn);
        turn.work(begin_another, |call| {
            // What one sets in its context, the next does not see: the green thread is another's then.
            attached(|py| in_fresh_context(py, || call.make(py)));
        });
    })));
}

/// A call of a function.
struct Call {
    // concurrent.futures'.
    future: Py<PyAny>,
    function: Py<PyAny>,
    arguments: Py<PyTuple>,
    named: Py<PyDict>,
}

impl Call {
    /// Makes it, if nobody has cancelled it, and tells its future.
    fn make(self, py: Python<'_>) {
        if let Err(error) = self.try_to_make(py) {
            log_raised(py, "the end of a function in a green thread could not be told:", &error);
        }
    }

    fn try_to_make(&self, py: Python<'_>) -> PyResult<()> {
        let future = self.future.bind(py);
        let begin = interned!(py, "set_running_or_notify_cancel");
        if !future.call_method0(begin)?.is_truthy()? {
            return Ok(());
        }
        let made = self.function.bind(py).call(self.arguments.bind(py), Some(self.named.bind(py)));
        end_if_stray(py, made.as_ref().err());
        match made {
            Ok(result) => future.call_method1(interned!(py, "set_result"), (result,))?,
            Err(error) => {
                future.call_method1(interned!(py, "set_exception"), (error.into_value(py),))?
            }
        };
        Ok(())
    }
}

/// What executor.py begins green threads by.
#[pyclass(module = "unicoro", frozen)]
struct Beginner {
    executor: Arc<Executor>,
}

#[pymethods]
impl Beginner {
    fn begin(
        &self,
        future: Py<PyAny>,
        function: Py<PyAny>,
        arguments: Py<PyTuple>,
        named: Py<PyDict>,
    ) -> bool {
        self.executor.begin(Call { future, function, arguments, named })
    }

    /// A thread of its own for `body`, which nobody waits for.
    fn begin_thread(&self, body: Py<PyAny>) -> bool {
        let is_open = self.executor.is_open.load(Ordering::Relaxed);
        if is_open {
            tell_engine(ResidentsWord::Task(Box::new(move || {
                attached(|py| {
                    let ended = body.call0(py).err();
                    end_if_stray(py, ended.as_ref());
                    if let Some(error) = ended {
                        log_raised(py, "Exception in a worker thread of anyio", &error);
                    }
                    // Here, and not where the lock is given up.
                    drop(body);
                });
            })));
        }
        is_open
    }
}

/// In Python, because asyncio wants a subclass of its class.
const SOURCE: &CStr = c_str!(include_str!("executor.py"));
