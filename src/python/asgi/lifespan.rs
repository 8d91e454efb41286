//! What asgi.py tells of an application's lifespan: that its loop turns, and how it ends where nobody asked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use unicoro_contract::{CurrentRequest, Pulse};

use crate::python::loggers::records::log_raised;

/// Who hears it.
#[pyclass(module = "unicoro", name = "Minder", frozen)]
pub struct Minder {
    pulse: Arc<dyn Pulse>,
    pause: Duration,
    patience: Duration,
}

impl Minder {
    /// With the worker's pulse, which beats so often; `lifespan.shutdown` may take so long.
    pub fn new(pulse: Arc<dyn Pulse>, pause: Duration, patience: Duration) -> Self {
        Self { pulse, pause, patience }
    }
}

#[pymethods]
impl Minder {
    /// Seconds from one beat to the next.
    #[getter]
    fn pause(&self) -> f64 {
        self.pause.as_secs_f64()
    }

    /// Seconds until a `lifespan.shutdown` that goes on is no sign of life any more.
    #[getter]
    fn patience(&self) -> f64 {
        self.patience.as_secs_f64()
    }

    /// The loop turns.
    fn beat(&self) {
        self.pulse.beat();
    }

    /// What the worker is at, if it hangs from now on.
    fn is_at(&self, what: Option<String>) {
        let what = what.map(|line| CurrentRequest { line, began: Instant::now() });
        self.pulse.running(what.as_ref());
    }

    /// The application has raised this in place of an answer to lifespan.startup, and need not know it.
    fn is_unknown(&self, error: &Bound<'_, PyAny>) {
        let error = PyErr::from_value(error.clone());
        log::info!(
            "the application seems to know no lifespan: it has ended with {error}; with --lifespan on it does not \
             start then"
        );
    }

    /// The lifespan has ended with this while nothing was asked of it.
    fn has_failed(&self, error: &Bound<'_, PyAny>, when: &str) {
        let text = format!("the application's lifespan has ended {when}, by an exception:");
        log_raised(error.py(), &text, &PyErr::from_value(error.clone()));
    }
}
