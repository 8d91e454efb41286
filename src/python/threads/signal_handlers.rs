//! Handlers that the application has set with `signal.signal`: CPython runs them on the main thread,
//! between two steps of Python. Where an engine runs the application on other threads, the main
//! thread takes no such steps: it waits here, and CPython's own handler wakes it through a pipe.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pyo3::exceptions::{PyKeyboardInterrupt, PySystemExit};
use pyo3::prelude::*;
use pyo3::types::IntoPyDict;
use unicoro_contract::is_forked_child;
use unicoro_sys::bytes::{read, write};
use unicoro_sys::fd::set_nonblocking;
use unicoro_sys::pipe::pipe;
use unicoro_sys::poll::{poll, readable};

use crate::logging::TRACEBACK;
use crate::python::gil::attach::attached;
use crate::python::interp::traceback;

/// What ends the main thread's wait. CPython and [`stir`] write to it for as long as this process lives.
static WRITER: OnceLock<OwnedFd> = OnceLock::new();

/// Ends a wait of the main thread, or the next one. From any thread, and from a signal handler.
pub fn stir() {
    // Nobody waits in a child of the application's, where the number may be a file of its own.
    if let Some(writer) = WRITER.get().filter(|_| !is_forked_child()) {
        // A full pipe wakes as well.
        drop(write(writer, &[0]));
    }
}

/// The same for CPython, which writes there as well. In a child that the application has forked; one that
/// has set a descriptor of its own keeps it.
#[pyfunction]
fn in_child(py: Python<'_>) -> PyResult<()> {
    let set = |fd| py.import("signal")?.call_method1("set_wakeup_fd", (fd,))?.extract::<i32>();
    let theirs = set(-1)?;
    if theirs >= 0 && WRITER.get().is_none_or(|ours| theirs != ours.as_raw_fd()) {
        set(theirs)?;
    }
    Ok(())
}

/// Waits for signals on the main thread.
pub struct SignalHandlers {
    reader: OwnedFd,
    is_due: AtomicBool,
    // The application wants to be told itself: nobody tells us, so we look at each turn.
    is_untold: bool,
}

impl SignalHandlers {
    /// Has CPython tell us of signals, unless the application wants to be told itself. On the main
    /// thread.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn install() -> io::Result<Self> {
        let (reader, writer) = pipe()?;
        set_nonblocking(reader.as_fd(), true)?;
        set_nonblocking(writer.as_fd(), true)?;
        let is_untold = attached(|py| {
            // A pipe that is full wakes as well, and is nothing to warn of.
            let quietly = [("warn_on_full_buffer", false)].into_py_dict(py)?;
            let set =
                |fd: i32| py.import("signal")?.call_method("set_wakeup_fd", (fd,), Some(&quietly));
            if let theirs @ 0.. = set(writer.as_raw_fd())?.extract::<i32>()? {
                // One of its threads waits for these, or its event loop will.
                return set(theirs).map(|_| true);
            }
            let after = [("after_in_child", wrap_pyfunction!(in_child, py)?)].into_py_dict(py)?;
            py.import("os")?.call_method("register_at_fork", (), Some(&after)).map(|_| false)
        })
        .map_err(|error: PyErr| io::Error::other(error.to_string()))?;
        WRITER.set(writer).map_err(|_| io::Error::from(io::ErrorKind::AlreadyExists))?;
        Ok(Self { reader, is_due: AtomicBool::new(false), is_untold })
    }

    /// Waits at most this long, until stirred, or until handlers are due. On the main thread,
    /// detached.
    pub fn wait(&self, at_most: Duration) {
        let mut slots = [readable(self.reader.as_fd())];
        drop(poll(&mut slots, Some(at_most)));
        self.hear();
    }

    fn hear(&self) {
        while matches!(read(&self.reader, &mut [0; 64]), Ok(1..)) {
            self.is_due.store(true, Ordering::Relaxed);
        }
    }

    /// Runs the handlers that are due. On the main thread, detached; waits for the GIL. See
    /// [`run_handlers`].
    pub fn run(&self) -> bool {
        self.hear();
        (self.is_due.swap(false, Ordering::Relaxed) || self.is_untold) && run_handlers()
    }
}

/// Runs those that are due, whether anybody was told or not. On the main thread; waits for the GIL. True:
/// one of them has asked to leave, as by `sys.exit`.
pub fn run_handlers() -> bool {
    attached(|py| {
        let Err(error) = py.check_signals() else { return false };
        let leaves = error.is_instance_of::<PySystemExit>(py)
            || error.is_instance_of::<PyKeyboardInterrupt>(py);
        if !leaves {
            let text = traceback::format(py, &error);
            log::error!(target: TRACEBACK, "a signal handler of the application raised:\n{text}");
        }
        leaves
    })
}

impl AsFd for SignalHandlers {
    /// Readable when somebody has stirred, or handlers may be due.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}
