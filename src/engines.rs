//! From a worker class to its engine: the only file that names the engines.

use unicoro_contract::Engine;
use unicoro_coroutine::CoroutineEngine;
use unicoro_sync::SyncEngine;
use unicoro_threads::ThreadsEngine;

use crate::config::{Settings, WorkerClass};
use crate::worker::{Concurrency, EngineChoice};

/// Looks up what ends the process, whatever the engine, so that a signal's handler finds it. Once, while the process
/// has one thread.
pub fn find_endings() {
    unicoro_coroutine::find_endings();
}

/// The engine that the settings ask for, and what the worker must know of it.
#[must_use]
pub fn choose(settings: &Settings) -> EngineChoice {
    match settings.worker_class {
        WorkerClass::Sync => EngineChoice {
            engine: Box::new(SyncEngine) as Box<dyn Engine>,
            concurrency: Concurrency::None,
            // gunicorn: its sync worker never keeps a connection either, and for the same reason:
            // the client would be bound to a worker that may be busy while another idles.
            keeps_alive: false,
        },
        WorkerClass::Gthread => EngineChoice {
            engine: Box::new(ThreadsEngine::new(
                settings
                    .requests_in_progress
                    .map_or(settings.threads, |most| most.get().min(settings.threads)),
            )),
            concurrency: Concurrency::Threads,
            keeps_alive: true,
        },
        WorkerClass::Coroutine => EngineChoice {
            engine: Box::new(CoroutineEngine {
                stack_bytes: settings.coroutine_stack_size,
                switch_interval: settings.switch_interval,
                carriers: settings.carriers,
                most_at_once: settings.requests_in_progress,
                blocked_after: settings.blocked_after,
            }),
            concurrency: Concurrency::GreenThreads,
            keeps_alive: true,
        },
    }
}
