//! Makes a green thread hear what is due to it, whatever it is at: a wait in CPython's code, a wait of
//! gevent's hub, or a computation.

use std::sync::OnceLock;
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use unicoro_contract::Attention;

use super::thread_state::on_engine_thread;
use crate::python::deadline::{computing, request_timeout};
use crate::python::gevent;
use crate::python::gil::attach::{attached, attached_again};

/// A wait of a listener was ended: makes it find what is due to its green thread, which calls.
pub fn interrupt_listener(listener: Attention) {
    match listener {
        Attention::Signals => request_timeout::trip(),
        Attention::EventLoop => drop(attached_again(gevent::interrupt_hub)),
    }
}

/// Takes the GIL from whoever computes, and tells those whose requests are overdue. By a thread of
/// its own: who keeps the GIL in C must not delay the reactor, and with it the answers to others.
pub fn interrupt_computing() {
    static TELLER: OnceLock<Option<Thread>> = OnceLock::new();
    let teller = TELLER.get_or_init(|| {
        let body = || {
            on_engine_thread(&mut || loop {
                thread::park();
                take_lock(&computing::are_waiting, &|| ());
            })
        };
        let thread = thread::Builder::new().name("deadlines".to_owned()).spawn(body);
        thread.ok().map(|thread| thread.thread().clone())
    });
    // Without one, the preemptor tells.
    if let Some(teller) = teller {
        teller.unpark();
    }
}

/// Takes the GIL from whoever computes under it, until `until` is true or a moment has passed: the
/// loser must find it taken when it asks for it again (CPython's "forced switching"). In the second case
/// `otherwise` is called first.
pub fn take_lock(until: &dyn Fn() -> bool, otherwise: &dyn Fn()) {
    attached(|py| {
        let start = Instant::now();
        while !until() && start.elapsed() < LONGEST_HOLD {
            std::thread::yield_now();
        }
        if !until() {
            otherwise();
        }
        if let Some(class) = request_timeout::class(py) {
            computing::tell(class);
        }
    });
}

/// Longer than the loser ever takes to come around; holding on for ever would be a deadlock if it
/// never does.
const LONGEST_HOLD: Duration = Duration::from_micros(300);
