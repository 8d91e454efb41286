//! An engine: one way to serve many connections in one process.

use std::error::Error as AnyError;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::{CurrentRequest, EngineListener, Handler, Siblings, Stop};

/// How a worker's life shows outside.
pub trait Pulse: Send + Sync {
    /// The engine has turned; called at least once each `Seat::beat` while all is well.
    fn beat(&self);

    /// The engine has all that it needs, and accepts from now on; called once.
    fn begins(&self) {}

    /// What runs now; called at every switch between green threads.
    fn running(&self, request: Option<&CurrentRequest>) {
        let _ = request;
    }
}

/// What a worker gives its engine.
pub struct Seat {
    /// Where to accept.
    pub listeners: Vec<EngineListener>,
    /// The workers that accept from the same listeners; `None`: nobody ever does.
    pub siblings: Option<Arc<dyn Siblings>>,
    /// The most simultaneous clients.
    pub worker_connections: usize,
    /// How long a request may take on an engine that can interrupt it; `None`: for ever.
    pub request_timeout: Option<Duration>,
    /// Once asked to end: how long a connection must have been idle to be closed ([`crate::drain`]).
    pub idle_grace: Duration,
    /// The request to end.
    pub stop: Arc<Stop>,
    /// How often the engine gives a sign of life, at least.
    pub beat: Duration,
    /// Where the engine gives its signs of life.
    pub pulse: Arc<dyn Pulse>,
}

/// Why an engine will not run here, in its own error: one text for the operator.
#[derive(Debug, Error)]
#[error(transparent)]
pub struct Refusal(pub Box<dyn AnyError + Send + Sync>);

/// One way to serve.
pub trait Engine {
    /// Whether it can serve in this process, and in what is forked from it. Asked before there is any worker.
    ///
    /// # Errors
    /// It cannot.
    fn check(&self) -> Result<(), Refusal> {
        Ok(())
    }

    /// Serves on the process's main thread (and threads of the engine's own) until asked to stop.
    ///
    /// # Errors
    /// The engine cannot work here; nothing was accepted.
    fn run(self: Box<Self>, seat: Seat, handler: Arc<dyn Handler>) -> Result<(), Refusal>;
}
