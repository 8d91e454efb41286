//! The loop: wait, reap, hear reports, take signals, act. It decides nothing itself.

mod birth;
pub mod desk;
mod figures;
pub mod generation;
pub mod listeners;
mod systemd;
pub mod upgrade;

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use crate::critical;
use crate::logging::{self, LogLevel, TRACEBACK};
use crate::supervisor::host::Host;
use crate::supervisor::pidfile::PidFile;
use crate::supervisor::plan::{Action, Beat, Deeds, Event, Plan, timeout_message};
use crate::supervisor::workers::report::Report;
use crate::supervisor::workers::scoreboard::SlotState;
use crate::sys::clock::Moment;
use crate::sys::listener::Listener;
use crate::sys::process::{Pid, reap};
use crate::sys::raw::{raw_poll, readable};
use crate::sys::signal::{Blocked, Signal};
use crate::sys::signal_pipe::SignalPipe;
use birth::{Born, Newborn, give_birth};
use desk::Desks;
use figures::Figures;
use generation::Generation;
use systemd::Systemd;
use upgrade::{Lineage, second_pidfile};

/// What the supervisor owns.
pub struct Office {
    pub signals: SignalPipe,
    /// Signals that came before the loop began.
    pub early_signals: Vec<Signal>,
    /// (read end, which every worker has; write end, which is ours alone)
    pub orphan: (OwnedFd, OwnedFd),
    pub desks: Desks,
    pub generation: Generation,
    pub pidfile: Option<PidFile>,
    pub lineage: Lineage,
}

/// The supervisor at work.
pub struct Arbiter<'h> {
    pub host: &'h mut dyn Host,
    plan: Plan,
    pub signals: SignalPipe,
    orphan: (OwnedFd, OwnedFd),
    desks: Desks,
    /// The one that serves, and during a reload the next one.
    pub generations: Vec<Generation>,
    newest_generation: u64,
    pidfile: Option<PidFile>,
    pub lineage: Lineage,
    pub systemd: Systemd,
    figures: Figures,
    /// What actions brought about, to be stepped when all of them are done.
    later: VecDeque<Event<'static>>,
}

/// Why the loop ends.
pub enum Leave {
    End(i32),
    /// We are the child of a fork.
    AsWorker(Newborn),
    /// We are the child of a fork, and become the new master; signals are blocked.
    AsMaster {
        old: Pid,
        blocked: Blocked,
    },
}

pub type Flow = ControlFlow<Leave>;

impl<'h> Arbiter<'h> {
    pub fn new(host: &'h mut dyn Host, office: Office, now: Moment) -> Arbiter<'h> {
        let Office { signals, early_signals, orphan, desks, generation, pidfile, lineage } = office;
        let (terms, is_daemon) = (generation.options.terms(1), generation.options.daemon);
        Arbiter {
            host,
            plan: Plan::new(terms, is_daemon, now),
            signals,
            orphan,
            desks,
            generations: vec![generation],
            newest_generation: 1,
            pidfile,
            lineage,
            systemd: Systemd::from_environment(now),
            figures: Figures::new(now),
            later: early_signals.into_iter().map(Event::Signal).collect(),
        }
    }

    /// The exit code. The child of a fork never returns from here.
    pub fn run(mut self) -> i32 {
        let ready = self.host.when_ready(&self.generations[0].listeners);
        let mut flow = match ready {
            Ok(()) => Ok(self.step(Event::Start)),
            Err(traceback) => {
                log::error!(target: TRACEBACK, "{traceback}");
                Err("when_ready failed: the server does not start".to_owned())
            }
        };
        loop {
            match flow {
                Ok(ControlFlow::Continue(())) => flow = self.turn(),
                Ok(ControlFlow::Break(Leave::End(code))) => return self.close(code),
                Ok(ControlFlow::Break(Leave::AsWorker(newborn))) => self.leave_as_worker(newborn),
                Ok(ControlFlow::Break(Leave::AsMaster { old, blocked })) => {
                    self.leave_as_master(old, blocked)
                }
                Err(why) => {
                    critical!("{why}");
                    return self.close(1);
                }
            }
        }
    }

    /// One turn. An error means that the kernel refuses what cannot be done without.
    fn turn(&mut self) -> Result<Flow, String> {
        logging::flush();
        if self.lineage.is_promoted() {
            self.take_over();
        }
        self.wait()?;
        for event in self.news()? {
            if let leave @ ControlFlow::Break(_) = self.step(event) {
                return Ok(leave);
            }
        }
        let beats: Vec<Beat> = self.beats();
        Ok(self.step(Event::Tick(&beats)))
    }

    /// Sleeps until a signal, a report, or the plan's next deadline.
    fn wait(&mut self) -> Result<(), String> {
        let mut fds = vec![readable(self.signals.as_fd().as_raw_fd())];
        fds.extend(self.desks.raw_fds().map(readable));
        let now = Moment::now();
        // Nobody tells us that the former master has gone: it is looked for.
        let look = self.lineage.parent.map(|_| PARENT_LOOK);
        let figures = self.figures.tell(self.desks.iter().count(), &self.generations, now);
        let span = [self.plan.sleep(now), self.systemd.beat(now), look, figures];
        let span = span.into_iter().flatten().min();
        let mut result = Ok(0);
        self.host.wait(&mut || result = raw_poll(&mut fds, span));
        result.map(drop).map_err(|error| format!("cannot wait for events: {error}"))
    }

    /// What happened: deaths first, each after the last words of the dead; then reports; then
    /// signals. Only a stop goes before the deaths: Ctrl-C reaches the workers as well, and they
    /// must not be replaced because they were faster. So signals are read after the reaping: who
    /// died of a Ctrl-C got it no earlier than we did.
    fn news(&mut self) -> Result<Vec<Event<'static>>, String> {
        let deaths = self.reap_all()?;
        let (stops, others) = self.take_signals()?;
        let reports = self.desks.read_reports().into_iter();
        let (ready, reports): (Vec<_>, Vec<_>) =
            reports.partition(|(_, report)| *report == Report::Ready);
        let event = |(pid, report)| Event::Report { pid, report };
        // Who is ready understands QUIT, so that is known before the stop.
        let mut news: Vec<Event<'static>> = ready.into_iter().map(event).collect();
        news.extend(stops.into_iter().map(Event::Signal));
        news.extend(deaths);
        news.extend(reports.into_iter().map(event));
        news.extend(others.into_iter().map(Event::Signal));
        Ok(news)
    }

    fn reap_all(&mut self) -> Result<Vec<Event<'static>>, String> {
        let mut deaths = Vec::new();
        while let Some((pid, exit)) = reap().map_err(|error| format!("cannot reap: {error}"))? {
            if self.lineage.successor == Some(pid) {
                self.successor_ended(exit);
                continue;
            }
            let Some(mut desk) = self.desks.remove(pid) else { continue };
            let last_words = desk.reports.read().into_iter();
            deaths.extend(last_words.map(|report| Event::Report { pid, report }));
            let deeds = Deeds {
                has_answered: desk.slot.has_answered(),
                in_progress: desk.slot.in_progress(),
            };
            deaths.push(Event::Exited { pid, exit, deeds });
            self.host.worker_exited(desk.number, pid, exit);
        }
        Ok(deaths)
    }

    /// (those that stop us, all others); what is left in the pipe ends the next wait at once.
    fn take_signals(&self) -> Result<(Vec<Signal>, Vec<Signal>), String> {
        let mut signals = Vec::new();
        for _ in 0..MAX_SIGNALS_A_TURN {
            match self.signals.next_signal() {
                Ok(Some(Signal::CHLD)) => {}
                Ok(Some(signal)) => signals.push(signal),
                Ok(None) => break,
                Err(error) => return Err(format!("cannot read signals: {error}")),
            }
        }
        let is_stop =
            |signal: &Signal| matches!(*signal, Signal::TERM | Signal::INT | Signal::QUIT);
        Ok(signals.into_iter().partition(is_stop))
    }

    fn beats(&self) -> Vec<Beat> {
        let beat = |pid, slot: &crate::supervisor::workers::scoreboard::Slot| Beat {
            pid,
            at: slot.last_beat(),
            is_retiring: slot.state() == SlotState::Retiring,
        };
        self.desks.iter().map(|desk| beat(desk.pid, desk.slot)).collect()
    }

    /// One event, and whatever its actions bring about.
    fn step(&mut self, event: Event<'_>) -> Flow {
        let actions = self.plan.step(event, Moment::now());
        self.act_all(actions)?;
        while let Some(event) = self.later.pop_front() {
            let actions = self.plan.step(event, Moment::now());
            self.act_all(actions)?;
        }
        ControlFlow::Continue(())
    }

    fn act_all(&mut self, actions: Vec<Action>) -> Flow {
        for action in actions {
            self.act(action)?;
        }
        ControlFlow::Continue(())
    }

    fn act(&mut self, action: Action) -> Flow {
        match action {
            Action::Log(level, text) => write_log(level, &text),
            Action::LogLines(text) => log::error!(target: TRACEBACK, "{text}"),
            Action::Spawn { number, generation } => return self.spawn(number, generation),
            Action::Send { pid, signal: Signal::QUIT } if Signal::QUIT.was_ignored() => {
                if let Some(desk) = self.desks.by_pid(pid) {
                    desk.slot.hurry();
                }
                send(pid, Signal::TERM);
            }
            Action::Send { pid, signal } => send(pid, signal),
            Action::Abort { pid, age } => {
                let requests = self.desks.by_pid(pid).and_then(|desk| desk.slot.in_progress());
                critical!("{}", timeout_message(pid, age, requests.as_deref()));
                send(pid, Signal::ABRT);
            }
            Action::Reload => self.reload(),
            Action::ReopenLogs => reopen_logs(),
            Action::Settle { generation } => self.settle(generation),
            Action::Upgrade => return self.upgrade(),
            Action::Announce(announcement) => self.announce(announcement),
            Action::CloseListeners => self.close_listeners(),
            Action::WorkersChanged { new, old } => {
                if let Err(traceback) = self.host.workers_changed(new, Some(old)) {
                    log::error!(target: TRACEBACK, "{traceback}");
                }
            }
            Action::End(code) => return ControlFlow::Break(Leave::End(code)),
        }
        ControlFlow::Continue(())
    }

    fn spawn(&mut self, number: u64, generation: u64) -> Flow {
        let born = match self.desks.free_slot() {
            Some(slot) => give_birth(self.host, number, generation, slot.1)
                .map(|born| (slot, born))
                .map_err(|error| error.to_string()),
            None => Err("too many workers are alive".to_owned()),
        };
        let event = match born {
            Ok((_, Born::Child(newborn))) => return ControlFlow::Break(Leave::AsWorker(newborn)),
            Ok((slot, Born::Parent { pid, reports })) => {
                self.desks.add(number, pid, slot, reports);
                self.host.forked(pid);
                Event::Spawned { number, generation, pid }
            }
            Err(reason) => Event::SpawnFailed { reason },
        };
        let actions = self.plan.step(event, Moment::now());
        self.act_all(actions)
    }

    pub fn listeners(&self) -> impl Iterator<Item = &Arc<Listener>> {
        self.generations.iter().flat_map(|generation| &generation.listeners)
    }

    fn reload(&mut self) {
        reopen_logs();
        self.newest_generation += 1;
        let number = self.newest_generation;
        let result = Generation::reload(self.host, number, &self.generations).map(|generation| {
            let terms = generation.options.terms(number);
            let addresses = generation.addresses();
            if self.generations.iter().all(|known| known.addresses() != addresses) {
                log::info!("Listening at: {addresses} ({})", Pid::me());
            }
            self.generations.push(generation);
            terms
        });
        self.later.push_back(Event::Reloaded(result));
    }

    /// Our copies. The workers empty the queues and close the last ones.
    fn close_listeners(&mut self) {
        if !self.lineage.is_shared() {
            self.listeners().for_each(|listener| listener.admit_no_more());
        }
        self.generations.iter_mut().for_each(|generation| generation.listeners.clear());
    }

    /// Listeners that only a forgotten generation had are closed here.
    fn settle(&mut self, number: u64) {
        let forgotten: Vec<_> =
            self.generations.extract_if(.., |generation| generation.number != number).collect();
        let is_kept = |listener| self.listeners().any(|kept| Arc::ptr_eq(kept, listener));
        for listener in forgotten.iter().flat_map(|generation| &generation.listeners) {
            if !self.lineage.is_shared() && !is_kept(listener) {
                listener.admit_no_more();
            }
        }
        drop(forgotten);
        self.host.settled(number);
        let wanted = self.generations.first().and_then(|first| first.options.pidfile.clone());
        let has = self.pidfile.as_ref().map(|file| file.path().to_owned());
        let wanted = match self.lineage.parent {
            Some(_) => wanted.map(|path| second_pidfile(&path)),
            None => wanted,
        };
        let wanted = wanted.and_then(|path| std::path::absolute(path).ok());
        if wanted != has {
            self.move_pidfile(wanted.as_deref());
        } else if let Some(Err(error)) = self.pidfile.as_ref().map(PidFile::renew) {
            log::error!("{error}");
        }
    }

    /// A reload changed the setting. The new one first; on an error the old one stays.
    pub fn move_pidfile(&mut self, wanted: Option<&std::path::Path>) {
        let new = match wanted.map(PidFile::create).transpose() {
            Ok(new) => new,
            Err(error) => return log::error!("{error}"),
        };
        if let Some(old) = std::mem::replace(&mut self.pidfile, new) {
            old.remove();
        }
    }

    fn close(self, code: i32) -> i32 {
        log::info!("Shutting down: Master");
        // First, as under gunicorn: a hook that takes its time holds no successor up.
        if let Some(pidfile) = self.pidfile {
            pidfile.remove();
        }
        self.host.on_exit();
        code
    }

    /// Takes the arbiter apart: what is not handed on is closed.
    fn leave_as_worker(self, newborn: Newborn) -> ! {
        let Arbiter { host, signals, orphan: (orphan, our_end), desks, generations, .. } = self;
        drop((our_end, desks));
        let listeners = generations
            .into_iter()
            .find(|generation| generation.number == newborn.generation)
            .map(|generation| generation.listeners)
            .unwrap_or_default();
        newborn.live(host, signals, listeners, orphan)
    }
}

/// How often a new master looks whether the old one is still there.
const PARENT_LOOK: Duration = Duration::from_millis(500);

/// More than there are kinds of signals; deaths and reports must get their turn in a flood.
const MAX_SIGNALS_A_TURN: usize = 64;

fn write_log(level: LogLevel, text: &str) {
    match level {
        LogLevel::Debug => log::debug!("{text}"),
        LogLevel::Info => log::info!("{text}"),
        LogLevel::Warning => log::warn!("{text}"),
        LogLevel::Error => log::error!("{text}"),
        LogLevel::Critical => critical!("{text}"),
    }
}

/// Only to children that are not reaped yet, so the number is theirs. It may be a zombie's.
fn send(pid: Pid, signal: Signal) {
    if let Err(error) = pid.send(signal) {
        log::debug!("cannot send {signal} to worker (pid:{pid}): {error}");
    }
}

fn reopen_logs() {
    if let Err(error) = logging::reopen() {
        log::error!("{error}");
    }
}
