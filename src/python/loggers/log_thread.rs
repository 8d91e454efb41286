//! How the server's own records come to Python's logging.
//!
//! ```text
//!   supervisor, and a worker until it serves     in place: one thread, which holds the GIL
//!   a worker that serves                         any thread ─► queue ─► a thread of its own ─► Python
//! ```
//!
//! The rule a reader would break: the reactor, the control thread and a green thread outside of Python
//! must not wait for the GIL, or for a handler. So a worker's records wait in a queue, with a limit;
//! what finds no room in it, or is still there at the end, the server writes itself.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::{module, records};
use crate::logging::divert::{self, Entry, Taker};
use crate::python::interp::interpreter::is_running;
use crate::python::threads::thread_state::on_engine_thread;

/// Records that wait; more are written by the server itself.
const QUEUE: usize = 1024;
/// How long the end of a worker may wait for handlers.
const PATIENCE: Duration = Duration::from_millis(500);

/// From now on Python's logging takes what it is asked to.
pub fn offer() {
    divert::offer(&THREAD);
}

/// This worker begins to serve: from here on records are taken by a thread.
pub fn begin_log_thread() {
    if is_running() {
        module::look();
        THREAD.state().stage = Stage::Queued;
    }
}

static THREAD: LogThread = LogThread {
    state: Mutex::new(State {
        stage: Stage::InPlace,
        errands: VecDeque::new(),
        is_started: false,
        is_busy: false,
    }),
    changed: Condvar::new(),
};

struct LogThread {
    state: Mutex<State>,
    /// Something came, or the thread has done something.
    changed: Condvar,
}

struct State {
    stage: Stage,
    errands: VecDeque<Errand>,
    /// Whether there is a thread: it is made for the first errand.
    is_started: bool,
    /// Whether it has taken one out and is at it.
    is_busy: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    InPlace,
    Queued,
    Over,
}

enum Errand {
    Write(Entry),
    Reopen,
}

impl LogThread {
    /// Never held while Python runs.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_in_place(&self) -> bool {
        self.state().stage == Stage::InPlace
    }

    /// The queue and its thread, if there is room for another errand.
    fn queue(&'static self) -> Option<MutexGuard<'static, State>> {
        let mut state = self.state();
        if state.stage != Stage::Queued || state.errands.len() >= QUEUE {
            return None;
        }
        if !state.is_started {
            let thread = thread::Builder::new().name("logging".into());
            state.is_started = thread.spawn(|| self.run()).is_ok();
        }
        self.changed.notify_all();
        state.is_started.then_some(state)
    }

    /// With one state for all of the thread's life: from CPython 3.12 on its name ends with that.
    fn run(&self) {
        on_engine_thread(&mut || self.do_errands());
    }

    fn do_errands(&self) {
        module::begin_thread();
        let mut state = self.state();
        while state.stage == Stage::Queued {
            let Some(errand) = state.errands.pop_front() else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            state.is_busy = true;
            drop(state);
            do_errand(errand);
            state = self.state();
            state.is_busy = false;
            self.changed.notify_all();
        }
    }
}

impl Taker for LogThread {
    fn take(&self, entry: Entry) -> Result<(), Entry> {
        if self.is_in_place() {
            return records::emit(entry);
        }
        match THREAD.queue() {
            Some(mut state) => state.errands.push_back(Errand::Write(entry)),
            None => return Err(entry),
        }
        Ok(())
    }

    fn reopen(&self) {
        if self.is_in_place() {
            module::reopen();
        } else if let Some(mut state) = THREAD.queue() {
            state.errands.push_back(Errand::Reopen);
        }
    }

    fn finish(&self) -> Vec<Entry> {
        let is_at_work = |state: &mut State| state.is_busy || !state.errands.is_empty();
        let (mut state, _) = self
            .changed
            .wait_timeout_while(self.state(), PATIENCE, is_at_work)
            .unwrap_or_else(PoisonError::into_inner);
        if state.stage == Stage::Queued {
            state.stage = Stage::Over;
        }
        self.changed.notify_all();
        let entry = |errand| match errand {
            Errand::Write(entry) => Some(entry),
            Errand::Reopen => None,
        };
        std::mem::take(&mut state.errands).into_iter().filter_map(entry).collect()
    }
}

fn do_errand(errand: Errand) {
    match errand {
        Errand::Reopen => module::reopen(),
        Errand::Write(entry) => {
            if let Err(entry) = records::emit(entry) {
                crate::logging::write_entry(&entry);
            }
        }
    }
}
