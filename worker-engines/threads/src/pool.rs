//! The OS threads that serve requests, and the queue in front of them.
//!
//! The last thread to go idle is the first to be called, so that few are warm and few threads'
//! locals (database connections) are in use. The rule that a reader would break: the lock is never
//! held while a request is served.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, Thread};

use unicoro_contract::{Connection, Handler, serve_caught};
use unicoro_reactor::Line;

use crate::returns::Returns;

/// The bytes of stack that a thread of Python's gets on Linux. With Rust's default of 2 MiB a deep
/// recursion would overflow the stack and crash the worker before CPython raises `RecursionError`. The
/// kernel gives a page of it only when that is touched.
const STACK: usize = 8 * 1024 * 1024;

/// The threads.
pub struct Pool {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// Starts `count` threads. Signals are not blocked in them, because what the application starts
    /// would begin with that: the kernel prefers the main thread for them (signal(7)).
    ///
    /// # Errors
    /// `pthread_create(3)`.
    pub fn start(
        count: usize,
        handler: &Arc<dyn Handler>,
        returns: &Arc<Returns>,
    ) -> io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let start = |number| {
            let (queue, handler, returns) =
                (Arc::clone(&queue), Arc::clone(handler), Arc::clone(returns));
            thread::Builder::new().name(format!("gthread-{number}")).stack_size(STACK).spawn(
                move || handler.on_engine_thread(&mut || work(&queue, handler.as_ref(), &returns)),
            )
        };
        let threads = (0..count).map(start).collect::<io::Result<_>>()?;
        Ok(Self { queue, threads })
    }

    /// Has a request served as soon as a thread is free. With `later`, others go before it.
    pub fn serve(&self, connection: Box<Connection>, later: bool) {
        let called = {
            let mut state = self.queue.lock();
            state.line.push(connection, later);
            state.call()
        };
        if let Some(thread) = called {
            thread.unpark();
        }
    }

    /// How many threads there are.
    pub fn size(&self) -> usize {
        self.threads.len()
    }

    /// Requests that wait for a thread.
    pub fn queued(&self) -> usize {
        self.queue.lock().line.len()
    }

    /// Whether no thread is free.
    pub fn is_busy(&self) -> bool {
        self.queue.lock().idle.is_empty()
    }

    /// Waits until all that was given to it is served and every thread has ended.
    pub fn finish(self) {
        let idle = {
            let mut state = self.queue.lock();
            state.is_closed = true;
            std::mem::take(&mut state.idle)
        };
        idle.iter().for_each(Thread::unpark);
        for thread in self.threads {
            // A panic outside a request has been printed; there is nothing left to save.
            drop(thread.join());
        }
    }
}

fn work(queue: &Queue, handler: &dyn Handler, returns: &Returns) {
    while let Some(mut connection) = queue.next() {
        let after = serve_caught(handler, &mut connection);
        returns.give(connection, after);
    }
}

/// Requests that wait for a thread, and threads that wait for a request.
#[derive(Default)]
struct Queue {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    line: Line,
    // The longest idle first.
    idle: Vec<Thread>,
    // Somebody was called and has not come yet.
    is_called: bool,
    is_closed: bool,
}

impl State {
    /// The thread to wake, if one is needed. One at a time, and each that comes calls the next: of
    /// a burst of short requests the first thread serves several before the second has woken.
    fn call(&mut self) -> Option<Thread> {
        if self.line.is_empty() || self.is_called {
            return None;
        }
        let called = self.idle.pop();
        self.is_called = called.is_some();
        called
    }
}

impl Queue {
    /// The next request; waits for one. `None`: there will be no more.
    fn next(&self) -> Option<Box<Connection>> {
        let mut state = self.lock();
        loop {
            if let Some(connection) = state.line.take() {
                let called = state.call();
                drop(state);
                called.as_ref().map(Thread::unpark);
                return Some(connection);
            }
            if state.is_closed {
                return None;
            }
            state.idle.push(thread::current());
            drop(state);
            state = self.wait();
        }
    }

    /// Waits until this thread is listed as idle no more.
    fn wait(&self) -> MutexGuard<'_, State> {
        loop {
            thread::park();
            let mut state = self.lock();
            // park also returns for no reason (its documentation).
            if state.idle.iter().all(|idle| idle.id() != thread::current().id()) {
                state.is_called = false;
                return state;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock can panic halfway.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
