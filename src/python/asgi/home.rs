//! What a request asks of the loop that it is served on.

use pyo3::prelude::*;

use super::host::Host;
use super::module::Functions;
use super::ready::Ready;

/// The loop, on its own thread.
pub trait Home: Send + Sync {
    /// The worker.
    fn host(&self) -> &'static dyn Host;

    /// asgi.py's.
    fn functions(&self) -> &Functions;

    /// What `send` returns mostly.
    fn nothing(&self) -> &Py<Ready>;

    /// A future.
    ///
    /// # Errors
    /// No memory.
    fn new_future<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>>;

    /// Appends a status line's code and phrase.
    fn push_status(&self, status: u16, line: &mut Vec<u8>);

    /// A request waits for its client, and may wait in vain.
    ///
    /// # Errors
    /// The loop takes no timer.
    fn wait_for_client(&'static self, py: Python<'_>, number: u64) -> PyResult<()>;

    /// A request is to be looked at once others had their turn: what it waits for may be there, or it has more to
    /// do. From any thread.
    fn tell(&self, number: u64);

    /// A request has become a connection that lasts: it has no deadline any more.
    fn lasts(&self, number: u64);

    /// Whether nobody waits for the requests in progress any more.
    fn quits(&self) -> bool;

    /// A request is over, and so is its task.
    fn forget(&self, py: Python<'_>, number: u64);
}
