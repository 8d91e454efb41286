//! The Python stacks of other threads: of one that stands still, and of all when the worker must die.
//!
//! With the GIL they are read as any Python program reads them. When the GIL is kept by a call that
//! never gives it up, CPython's faulthandler prints the stack from a signal handler on the thread
//! itself. The signal comes second, because it ends a sleep of the C code that it interrupts.

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use pyo3::types::PyDict;
use unicoro_contract::{Grip, stack_signal};
use unicoro_sys::activity::{Activity, activity_of};
use unicoro_sys::bytes::read;
use unicoro_sys::fd::set_nonblocking;
use unicoro_sys::pipe::pipe;
use unicoro_sys::poll::{poll, readable};
use unicoro_sys::process::{signal_thread, threads};

use super::traceback;
use crate::python::error::PythonError;
use crate::python::gil::attach::{already_attached, attached};

/// Where faulthandler prints to, once [`watch_stacks`] has run.
static PRINTED: Mutex<Option<OwnedFd>> = Mutex::new(None);

/// How long the GIL may be asked for before it counts as kept.
const LOCK_PATIENCE: Duration = Duration::from_millis(200);
/// A thread that runs prints at once; one in an uninterruptible system call, never.
const PRINT_PATIENCE: Duration = Duration::from_millis(200);
/// More than a hundred frames, which is where faulthandler stops.
const MOST: usize = 64 * 1024;

/// The stack of a thread that stands still, and what it is at.
#[derive(Debug, PartialEq, Eq)]
pub struct Stack {
    /// Its frames, or an empty text.
    pub text: String,
    /// Why it stands still.
    pub cause: Cause,
}

/// Why a thread stands still, as far as was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It gave the GIL up when asked: Python code.
    Python,
    /// It does not have the GIL. What it is at; `None`: unknown.
    WithoutLock(Option<Activity>),
    /// It keeps the GIL.
    KeepsLock(Option<Activity>),
    /// It is parked in C code that keeps the GIL, for a lock.
    KeepsLockParked,
}

/// Prepares [`stack_of`], and makes a crash print its stack to the error log, unless the application
/// has set faulthandler up itself. On the main thread.
///
/// # Errors
/// See [`PythonError`].
pub fn watch_stacks(error_log: RawFd) -> Result<(), PythonError> {
    let (reader, writer) = pipe()?;
    set_nonblocking(reader.as_fd(), true)?;
    attached(|py| {
        let register = || -> PyResult<()> {
            let faulthandler = py.import("faulthandler")?;
            let options = PyDict::new(py);
            options.set_item("file", writer.as_raw_fd())?;
            options.set_item("all_threads", false)?;
            faulthandler.call_method("register", (stack_signal(),), Some(&options))?;
            if !faulthandler.call_method0("is_enabled")?.extract::<bool>()? {
                // Not all threads: it stops at a hundred, and the one that matters may be behind.
                faulthandler.call_method1("enable", (error_log, false))?;
            }
            Ok(())
        };
        register().map_err(|error| traceback::raised(py, &error))
    })?;
    // faulthandler keeps the number, so the descriptor must stay open.
    std::mem::forget(writer);
    *PRINTED.lock().unwrap_or_else(PoisonError::into_inner) = Some(reader);
    Ok(())
}

/// The stack of what runs on a thread that stands still; `thread` as gettid(2) numbers it, `identity`
/// as Python does.
#[must_use]
pub fn stack_of(thread: i32, identity: usize, grip: Grip) -> Stack {
    // First: the signal that has the stack printed ends a wait.
    let activity = activity_of(thread);
    let text = match grip {
        Grip::Keeps => None,
        // Neither with the GIL nor by a signal: it is on no thread.
        Grip::KeptParked => Some(UNKNOWN.to_owned()),
        Grip::Has | Grip::None => {
            with_lock(move |py| one_stack(py, identity).unwrap_or_else(|_| UNKNOWN.to_owned()))
        }
    };
    let cause = match (grip, &text) {
        (Grip::None, _) => Cause::WithoutLock(activity),
        (Grip::KeptParked, _) => Cause::KeepsLockParked,
        (Grip::Has, Some(_)) => Cause::Python,
        (Grip::Has | Grip::Keeps, None) | (Grip::Keeps, Some(_)) => Cause::KeepsLock(activity),
    };
    Stack { text: text.unwrap_or_else(|| printed(thread)), cause }
}

/// The stack of a thread that runs Python, or waits in it, by the identity that Python knows it by; `None`:
/// something keeps the GIL.
#[must_use]
pub fn python_stack_of(identity: usize) -> Option<String> {
    with_lock(move |py| one_stack(py, identity).unwrap_or_else(|_| UNKNOWN.to_owned()))
}

/// The stacks of two threads, by the identities that Python knows them by, on a thread that keeps the
/// GIL and will end the process.
#[must_use]
pub fn stacks_of(identities: [usize; 2]) -> (String, String) {
    let stacks = already_attached(|py| {
        identities.map(|id| one_stack(py, id).unwrap_or_else(|_| UNKNOWN.to_owned()))
    });
    stacks.map_or_else(|| (UNKNOWN.to_owned(), UNKNOWN.to_owned()), <[String; 2]>::into)
}

/// The stacks of all threads that are in Python code.
#[must_use]
pub fn all_stacks() -> String {
    let all = with_lock(|py| every_stack(py).unwrap_or_else(|_| UNKNOWN.to_owned()));
    all.unwrap_or_else(|| {
        let stacks: Vec<_> = threads().into_iter().map(printed).collect();
        format!("The GIL is kept by:\n{}", stacks.concat())
    })
}

/// Runs `read` with the GIL on a thread of its own, which stays behind for as long as the GIL is
/// kept: then `None`.
fn with_lock<R: Send + 'static>(read: impl FnOnce(Python<'_>) -> R + Send + 'static) -> Option<R> {
    let (had, wait) = mpsc::channel();
    std::thread::spawn(move || attached(|py| had.send(read(py))));
    wait.recv_timeout(LOCK_PATIENCE).ok()
}

fn one_stack(py: Python<'_>, identity: usize) -> PyResult<String> {
    let frames = py.import("sys")?.call_method0("_current_frames")?;
    formatted(py, &frames.get_item(identity)?)
}

fn every_stack(py: Python<'_>) -> PyResult<String> {
    let frames = py.import("sys")?.call_method0("_current_frames")?;
    let mut text = String::new();
    for (identity, frame) in frames.cast::<PyDict>()?.iter() {
        text.push_str(&format!("Thread {identity}:\n{}\n", formatted(py, &frame)?));
    }
    Ok(text.trim_end().to_owned())
}

fn formatted(py: Python<'_>, frame: &Bound<'_, PyAny>) -> PyResult<String> {
    let lines = py.import("traceback")?.call_method1("format_stack", (frame,))?;
    Ok(lines.extract::<Vec<String>>()?.concat().trim_end().to_owned())
}

/// What faulthandler prints of a thread, without the GIL; nothing if it is in no Python code.
fn printed(thread: i32) -> String {
    let printed = PRINTED.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(reader) = &*printed else {
        return String::new();
    };
    let mut text = Vec::new();
    if signal_thread(thread, stack_signal()).is_ok() {
        let deadline = Instant::now() + PRINT_PATIENCE;
        while text.len() < MOST && read_some(reader, deadline, &mut text) {}
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn read_some(reader: &OwnedFd, deadline: Instant, text: &mut Vec<u8>) -> bool {
    // Once something has come, the rest is there within a moment.
    let left = deadline.saturating_duration_since(Instant::now());
    let left = if text.is_empty() { left } else { left.min(PRINT_PATIENCE / 10) };
    let mut slot = [readable(reader.as_fd())];
    if !matches!(poll(&mut slot, Some(left)), Ok(1..)) {
        return false;
    }
    let mut chunk = [0; 4096];
    match read(reader, &mut chunk) {
        Ok(count @ 1..) => {
            text.extend_from_slice(&chunk[..count]);
            true
        }
        _ => false,
    }
}

const UNKNOWN: &str = "  (it cannot be read)";
