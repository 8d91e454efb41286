//! The arbiter: it hears what happens (`turn`) and does what the plan wants (`act`: `spawn`, `reload`,
//! `upgrade`). It decides nothing itself.

mod act;
mod birth;
pub mod children;
mod figures;
pub mod generation;
pub mod listeners;
mod reload;
mod spawn;
mod systemd;
mod turn;
mod upgrade;

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use unicoro_sys::clock::Moment;
use unicoro_sys::process::Pid;
use unicoro_sys::signal::{BlockedSignals, Signal};
use unicoro_sys::signal_pipe::SignalPipe;

use super::host::Host;
use super::lineage::Lineage;
use super::pidfile::PidFile;
use super::plan::{Event, Plan};
use crate::listening::listener::Listener;
use birth::Newborn;
use children::Children;
use figures::Figures;
use generation::Generation;
use systemd::Systemd;

/// What the supervisor owns.
pub struct Office {
    pub signals: SignalPipe,
    /// Signals that came before the loop began.
    pub early_signals: Vec<Signal>,
    /// (read end, which every worker has; write end, which is ours alone)
    pub orphan: (OwnedFd, OwnedFd),
    pub children: Children,
    pub generation: Generation,
    pub pidfile: Option<PidFile>,
    pub lineage: Lineage,
}

/// The supervisor at work.
pub struct Arbiter<'h> {
    host: &'h mut dyn Host,
    plan: Plan,
    signals: SignalPipe,
    orphan: (OwnedFd, OwnedFd),
    children: Children,
    /// The one that serves, and during a reload the next one.
    generations: Vec<Generation>,
    newest_generation: u64,
    pidfile: Option<PidFile>,
    lineage: Lineage,
    systemd: Systemd,
    figures: Figures,
    /// What actions brought about, to be stepped when all of them are done.
    later: VecDeque<Event<'static>>,
}

/// Why the loop ends.
enum Leave {
    End(i32),
    /// We are the child of a fork.
    AsWorker(Newborn),
    /// We are the child of a fork, and become the new master; signals are blocked.
    AsMaster {
        old: Pid,
        blocked: BlockedSignals,
    },
}

type Flow = ControlFlow<Leave>;

impl<'h> Arbiter<'h> {
    pub fn new(host: &'h mut dyn Host, office: Office, now: Moment) -> Arbiter<'h> {
        let Office { signals, early_signals, orphan, children, generation, pidfile, lineage } =
            office;
        let (terms, is_daemon) = (generation.options.terms(1), generation.options.daemon);
        Arbiter {
            host,
            plan: Plan::new(terms, is_daemon, now),
            signals,
            orphan,
            children,
            generations: vec![generation],
            newest_generation: 1,
            pidfile,
            lineage,
            systemd: Systemd::from_environment(now),
            figures: Figures::new(now),
            later: early_signals.into_iter().map(Event::Signal).collect(),
        }
    }

    fn listeners(&self) -> impl Iterator<Item = &Arc<Listener>> {
        self.generations.iter().flat_map(|generation| &generation.listeners)
    }
}
