//! From nothing to a loop that supervises: signals, listeners, pid file, then the arbiter.
//!
//! Signals come first: a TERM while an address is waited for ends the server, it does not kill
//! it half-way.

use std::os::fd::{AsFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use unicoro_sys::clock::Moment;
use unicoro_sys::passed_fds::discard;
use unicoro_sys::pipe::pipe;
use unicoro_sys::poll::{poll, readable};
use unicoro_sys::process::Pid;
use unicoro_sys::signal::Signal;
use unicoro_sys::signal_pipe::SignalPipe;

use super::arbiter::children::Children;
use super::arbiter::generation::Generation;
use super::arbiter::listeners::{BIND_PAUSE, BIND_TRIES, bind_all};
use super::arbiter::{Arbiter, Office};
use super::error::{HostError, SupervisorError};
use super::host::Host;
use super::inheritance::Inheritance;
use super::lineage::Lineage;
use super::options::Options;
use super::pidfile::{PidFile, second_pidfile};
use super::workers::scoreboard::Scoreboard;
use crate::config::MAX_WORKERS;
use crate::critical;
use crate::listening::listener::Listener;
use crate::logging::TRACEBACK;

/// Supervises until it is told to stop; returns the exit code of the master.
///
/// 0: stopped by a signal. 1: it could not start. 3: the app cannot be imported. 4: there is no
/// such app in the module. Call it once, on a process that has one thread.
pub fn run(host: &mut dyn Host, options: Options) -> i32 {
    log::info!("Starting unicoro {}", env!("CARGO_PKG_VERSION"));
    match open_office(host, options) {
        Ok(Some(office)) => Arbiter::new(host, office, Moment::now()).run(),
        Ok(None) => 0,
        Err(why) => {
            critical!("{why}");
            1
        }
    }
}

/// Everything that the loop needs; `None` when a signal said to stop meanwhile.
fn open_office(
    host: &mut dyn Host,
    mut options: Options,
) -> Result<Option<Office>, SupervisorError> {
    let inheritance = std::mem::take(&mut options.inheritance);
    let pidfile = match &options.pidfile {
        Some(path) if inheritance.parent.is_some() => Some(second_pidfile(path)),
        path => path.clone(),
    };
    // Before anything happens: on_starting may clear away what the running server needs.
    pidfile.as_deref().map_or(Ok(()), PidFile::check)?;
    // In gunicorn's order.
    hook("nworkers_changed", host.workers_changed(options.workers, None))?;
    hook("on_starting", host.on_starting())?;
    let signals =
        SignalPipe::install(&SIGNALS).map_err(SupervisorError::cannot("handle signals"))?;
    let mut early_signals = Vec::new();
    let Inheritance { systemd, parent, mut sockets } = inheritance;
    let bound = bind_patiently(&options, &mut sockets, &signals, &mut early_signals)?;
    let Some(listeners) = bound else { return Ok(None) };
    sockets.into_iter().for_each(discard);
    let lineage = Lineage { parent, successor: None, is_systemd: !systemd.is_empty() };
    if lineage.is_shared() {
        listeners.iter().for_each(|listener| listener.keep_path());
    }
    let board = Scoreboard::new(2 * MAX_WORKERS + SPARE_SLOTS)
        .map_err(SupervisorError::cannot("map the memory shared with the workers"))?;
    let orphan = pipe().map_err(SupervisorError::cannot("make a pipe"))?;
    // Last, because it is not removed by itself.
    let pidfile = pidfile.map(|path| PidFile::create(&path)).transpose()?;
    let generation = Generation { number: 1, options, listeners };
    log::info!("Listening at: {} ({})", generation.addresses(), Pid::me());
    log::info!("Using worker: {}", generation.options.worker_class);
    log::info!("Using {}", generation.options.interpreter);
    let children = Children::new(board);
    Ok(Some(Office { signals, early_signals, orphan, children, generation, pidfile, lineage }))
}

/// The traceback goes to the log as it is, the sentence after it says what follows.
fn hook(name: &'static str, result: Result<(), HostError>) -> Result<(), SupervisorError> {
    result.map_err(|traceback| {
        log::error!(target: TRACEBACK, "{traceback}");
        SupervisorError::Hook(name)
    })
}

/// Binds; an address that is in use is tried again, for a server that is on its way out.
fn bind_patiently(
    options: &Options,
    sockets: &mut Vec<RawFd>,
    signals: &SignalPipe,
    early: &mut Vec<Signal>,
) -> Result<Option<Vec<Arc<Listener>>>, SupervisorError> {
    for _ in 1..BIND_TRIES {
        match bind_all(options, &[], sockets) {
            Ok(listeners) => return Ok(Some(listeners)),
            Err(error) if error.is_in_use() => {
                log::error!("{error}. Trying again in {} s.", BIND_PAUSE.as_secs());
            }
            Err(error) => return Err(error.into()),
        }
        if hears_stop_within(signals, BIND_PAUSE, early) {
            return Ok(None);
        }
    }
    Ok(Some(bind_all(options, &[], sockets)?))
}

/// Waits; signals that are not about stopping are kept for the loop.
fn hears_stop_within(signals: &SignalPipe, pause: Duration, early: &mut Vec<Signal>) -> bool {
    let end = Moment::now() + pause;
    loop {
        let left = end - Moment::now();
        if left.is_zero() {
            return false;
        }
        // An error would come back at once: the next try to bind is then simply earlier.
        let Ok(_) = poll(&mut [readable(signals.as_fd())], Some(left)) else {
            return false;
        };
        match signals.next_signal() {
            Ok(Some(signal)) if signal.asks_to_leave() => return true,
            Ok(Some(signal)) => early.push(signal),
            Ok(None) | Err(_) => {}
        }
    }
}

/// What a master listens to.
const SIGNALS: [Signal; 10] = [
    Signal::TERM,
    Signal::INT,
    Signal::QUIT,
    Signal::HUP,
    Signal::TTIN,
    Signal::TTOU,
    Signal::USR1,
    Signal::USR2,
    Signal::WINCH,
    Signal::CHLD,
];

/// For workers of former generations that take their time to leave.
const SPARE_SLOTS: usize = 2 * MAX_WORKERS;
