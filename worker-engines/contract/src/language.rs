//! What the application's language keeps for each thread, and so for each green thread: to the language
//! one is as good as the other, for a green thread has everything that an OS thread has but the
//! kernel's part.

use std::io;

/// How a caller notices that its wait was interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attention {
    /// It runs signal handlers, if it is the main thread.
    Signals,
    /// It runs what it was given to run since.
    EventLoop,
}

/// Whether an exception can be raised in what some code has called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearing {
    /// Yes, whoever calls it.
    Full,
    /// No: the language would lose it.
    None,
    /// As its own caller has it.
    Unknown,
}

/// The language of the application, asked about the thread or green thread that calls. What has a body
/// here is asked by engines of green threads only.
pub trait Language {
    /// Runs `body`, the life of an OS thread of the engine's: what the language keeps for a thread
    /// (and the application in it, such as its database connection) is made before and lasts to its
    /// end.
    fn on_engine_thread(&self, body: &mut dyn FnMut());

    /// The same for a green thread. Before it returns, what the language and its libraries keep for
    /// the green thread is finalised, and may wait for others.
    ///
    /// # Errors
    /// It has not begun: no memory for what the language keeps.
    fn on_green_thread(&self, body: &mut dyn FnMut()) -> io::Result<()> {
        self.on_engine_thread(body);
        Ok(())
    }

    /// Whether this green thread may leave the processor here: it runs application code and holds
    /// no lock of the interpreter. Must not allocate, log or panic: interposed calls ask before all else.
    fn may_park(&self) -> bool {
        false
    }

    /// Whether this green thread may leave the processor with the interpreter's lock, which it has:
    /// others then run until they want it. Must not allocate, log or panic.
    fn may_keep_lock(&self) -> bool {
        false
    }

    /// Whether and how code at this address, which waits, notices an [`Interrupt`](crate::Interrupt)
    /// when its wait ends with `EINTR`. Called detached.
    fn listens(&self, code: usize) -> Option<Attention> {
        let _ = code;
        None
    }

    /// Whether what the code at this address has called, and which waits or computes, can be told anything.
    fn hears(&self, code: usize) -> Hearing {
        let _ = code;
        Hearing::Full
    }

    /// A wait of a listener has ended with `EINTR`: makes it find the [`Interrupt`](crate::Interrupt)
    /// of this green thread. For one that looks for signals called attached, when it is about to look;
    /// for an event loop detached, before its wait returns.
    fn interrupt(&self, listener: Attention) {
        let _ = listener;
    }

    /// The request of this green thread is overdue, and it waits for the interpreter's lock (or not
    /// any more) at a place where an exception may be raised: between two steps of a computation, not
    /// behind a call that may have locked something. `identity`: its `pthread_self()`. Called detached.
    fn set_computing(&self, identity: usize, is_computing: bool) {
        let _ = (identity, is_computing);
    }

    /// A request of this green thread is over, and its connection is given back. May wait.
    fn after_request(&self) {}
}
