//! `-k coroutine`: thousands of requests of one worker, as green threads on one OS thread.
//!
//! The application's blocking calls park the green thread that makes them (see [`hooks`]); client
//! connections between two requests are parked without a green thread (see [`lot`]).
//!
//! ```text
//!   main thread          scheduler's thread (may's only worker)          may's timer thread
//!   loads the app,       reactor ◄──yield──► green workers               never used
//!   takes signals        (core)              (crew)
//! ```

mod acceptor;
mod bell;
mod core;
mod crew;
mod descriptors;
mod epoll;
mod fork;
mod green;
mod helpers;
mod hooks;
mod identity;
mod lot;
mod overflow;
mod scheduler;
mod semaphores;
mod signals;
mod stack;
mod timers;
mod waiter;
mod watched;

use std::sync::{Arc, mpsc};

use unicoro_contract::{Engine, Handler, Refusal, Seat};

use crate::core::Core;

pub use hooks::{Bypass, Count, bypassed, counts};

/// The engine of `-k coroutine`.
#[derive(Debug)]
pub struct CoroutineEngine {
    stack_bytes: usize,
}

impl CoroutineEngine {
    /// An engine whose green threads have `stack_bytes` of stack: a multiple of 4096.
    #[must_use]
    pub fn new(stack_bytes: usize) -> Self {
        Self { stack_bytes }
    }
}

impl Engine for CoroutineEngine {
    fn run(self: Box<Self>, seat: Seat, handler: Arc<dyn Handler>) -> Result<(), Refusal> {
        hooks::check().map_err(Refusal)?;
        stack::check_limit(self.stack_bytes).map_err(Refusal)?;
        hooks::set_preemption_points(&handler.preemption_points());
        fork::watch();

        let (done, wait) = mpsc::channel();
        let stack_bytes = self.stack_bytes;
        let first = move || match reactor(seat, Arc::clone(&handler), stack_bytes) {
            Err(text) => drop(done.send(Err(text))),
            Ok(core) => handler.on_scheduler_thread(&mut || {
                core.run();
                // The main thread ends the process; nothing may run here any more.
                drop(done.send(Ok(())));
                loop {
                    scheduler::park();
                }
            }),
        };
        overflow::remember();
        signals::blocked(|| scheduler::start(stack_bytes, first))
            .map_err(|error| error.to_string())
            .and_then(|()| wait.recv().map_err(|_| "the reactor panicked".to_owned()).flatten())
            .map_err(|text| Refusal(format!("the coroutine engine cannot run: {text}")))
    }
}

/// Sets the engine up, in its first coroutine.
fn reactor(
    seat: Seat,
    handler: Arc<dyn Handler>,
    stack_bytes: usize,
) -> Result<&'static Core, String> {
    stack::prepare(stack_bytes)?;
    overflow::install();
    let core = Core::new(seat, handler, stack_bytes).map_err(|error| error.to_string())?;
    Ok(Box::leak(Box::new(core)))
}
