//! Why the engine does not run here: nothing was accepted. Each is one text for the operator.

use std::io;

use thiserror::Error;
use unicoro_sys::shortage::Explained;

/// What stands in its way.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The names of the interposed calls that libraries find elsewhere.
    #[error(
        "libraries do not reach our {0}: LD_PRELOAD puts another library first, or this unicoro was \
         linked without its exported symbols"
    )]
    Bypassed(String),
    /// generator takes the hard limit as a cap.
    #[error(
        "coroutine_stack_size ({bytes}) is above the hard limit of the stack ({limit}): lower it, or \
         raise the limit (ulimit -Hs, LimitSTACK=)"
    )]
    StackLimit {
        /// The setting.
        bytes: usize,
        /// RLIMIT_STACK's.
        limit: u64,
    },
    /// Its first coroutine could not set it up, or did not live.
    #[error("the coroutine engine cannot run: {0}")]
    NotStarted(#[from] StartError),
}

/// How that failed.
#[derive(Debug, Error)]
pub enum StartError {
    /// generator has changed what it writes.
    #[error(
        "the bottom of a coroutine's stack was not found: this unicoro was built with a generator \
         crate that it does not know; build it with --locked"
    )]
    UnknownStack,
    /// The C library is another one, or a newer one.
    #[error("glibc's thread structure is unknown: {NEEDED}")]
    UnknownThreads,
    /// None for the trial.
    #[error("no thread's block could be made ({0}): {NEEDED}")]
    NoThread(#[source] io::Error),
    /// The trial's threads are not two.
    #[error("two threads share what each should have for itself: {NEEDED}")]
    SharedThreads,
    /// The system's words: no descriptor, no thread, no memory.
    #[error("{}", Explained(.0))]
    System(#[from] io::Error),
    /// A bug; the panic is in the log.
    #[error("the reactor panicked")]
    Panicked,
}

const NEEDED: &str =
    "green threads need glibc 2.28 to 2.41 as it keeps threads on x86-64; use -k gthread here";
