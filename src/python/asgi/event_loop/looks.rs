//! What is due at a time: the deadlines of requests, clients that are waited for, and the end of the patience with
//! which a worker that ends waits for its requests.
//!
//! One timer of the loop's, for whatever is due first.

use std::time::{Duration, Instant};

use pyo3::prelude::*;

use super::EventLoop;
use crate::python::asgi::home::Home;
use crate::python::interp::interned::interned;

/// Clients that are waited for are looked after so often.
const LOOK: Duration = Duration::from_secs(1);
/// So many requests are named that have kept their worker.
const NAMED: usize = 10;

impl EventLoop {
    /// Sees to it that a look is had when something is due.
    pub(super) fn look_later(&'static self, py: Python<'_>) -> PyResult<()> {
        let now = Instant::now();
        let at = {
            let running = self.running();
            let due = self.host().request_timeout().and_then(|timeout| {
                let first =
                    running.exchanges.values().find_map(|it| it.try_borrow(py).ok()?.began());
                Some(first? + timeout)
            });
            let client = (!running.waiting.is_empty()).then(|| now + LOOK);
            let cut = self.ending.get().filter(|_| !running.is_cut_off);
            let cut = cut.map(|at| *at + self.patience);
            let Some(at) = due.into_iter().chain(client).chain(cut).min() else { return Ok(()) };
            if running.next_look.is_some_and(|next| next <= at) {
                return Ok(());
            }
            at
        };
        self.running().next_look = Some(at);
        let delay = at.saturating_duration_since(now).as_secs_f64();
        let look = Bound::new(py, Look { home: self, at })?;
        self.event_loop.call_method1(py, interned!(py, "call_later"), (delay, look))?;
        Ok(())
    }

    fn look(&'static self, py: Python<'_>) -> PyResult<()> {
        let now = Instant::now();
        self.running().next_look = None;
        self.look_at_deadlines(py, now);
        self.look_at_clients(py, now);
        if self.ending.get().is_some_and(|at| now >= *at + self.patience) {
            self.cut_off(py);
        }
        self.look_later(py)
    }

    fn look_at_deadlines(&self, py: Python<'_>, now: Instant) {
        let Some(timeout) = self.host().request_timeout() else { return };
        let all: Vec<_> = self.running().exchanges.values().map(|it| it.clone_ref(py)).collect();
        for exchange in all {
            let Ok(mut exchange) = exchange.bind(py).try_borrow_mut() else { continue };
            match exchange.began() {
                Some(began) if began + timeout > now => break,
                Some(_) => exchange.end_overdue(py, timeout),
                None => {}
            }
        }
    }

    fn look_at_clients(&self, py: Python<'_>, now: Instant) {
        let waiting: Vec<_> = self.running().waiting.iter().copied().collect();
        for number in waiting {
            let still = match self.find(py, number) {
                None => false,
                Some(exchange) => exchange.try_borrow_mut().map_or(true, |mut exchange| {
                    exchange.look_after(py, now);
                    exchange.waits_for_client()
                }),
            };
            if !still {
                self.running().waiting.remove(&number);
            }
        }
    }

    /// Cancels what would keep the worker until it is killed: handlers clean up, and the lifespan ends behind them.
    fn cut_off(&self, py: Python<'_>) {
        let left: Vec<_> = {
            let mut running = self.running();
            if std::mem::replace(&mut running.is_cut_off, true) {
                return;
            }
            let all = running.exchanges.values().chain(running.lasting.values());
            all.map(|exchange| exchange.clone_ref(py)).collect()
        };
        for (index, exchange) in left.iter().enumerate() {
            let Ok(mut exchange) = exchange.bind(py).try_borrow_mut() else { continue };
            let line = exchange.end_with_worker(py);
            if index < NAMED {
                log::warn!("{line}: graceful_timeout is about to pass");
            }
        }
        if left.len() > NAMED {
            log::warn!("{} others are cancelled or cut off as well", left.len() - NAMED);
        }
    }
}

/// What the loop calls when something may be due.
#[pyclass(module = "unicoro", frozen)]
struct Look {
    home: &'static EventLoop,
    // If this is not when the next is due, an earlier one has taken its place.
    at: Instant,
}

#[pymethods]
impl Look {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        if self.home.running().next_look != Some(self.at) {
            return Ok(());
        }
        self.home.look(py)
    }
}
