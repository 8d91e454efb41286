//! How an overdue request hears of it: the exception, and who may be told.
//!
//! ```text
//!   what the request is at         how it hears
//!   a wait in CPython's own code   EINTR ─► CPython looks for signals ─► our handler raises
//!   a wait of gevent's hub         EINTR ─► the hub throws into the greenlet that it began in
//!   a computation                  it waits for the GIL at a jump ─► PyThreadState_SetAsyncExc
//!   a wait of any other C code     not at all: the connections that it waits for are shut down
//! ```
//!
//! The engine knows when a deadline has passed, and what the green thread is at; `threads::interrupt` is
//! what it calls then.

pub mod computing;
pub mod listeners;
pub mod request_timeout;
