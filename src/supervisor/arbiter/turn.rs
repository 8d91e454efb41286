//! The loop: wait, reap, hear reports, take signals. What happened goes to the plan.

use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::time::Duration;

use unicoro_sys::clock::Moment;
use unicoro_sys::poll::{poll, readable};
use unicoro_sys::process::reap;
use unicoro_sys::signal::Signal;

use super::children::Child;
use super::{Arbiter, Flow, Leave};
use crate::critical;
use crate::logging::{self, TRACEBACK};
use crate::supervisor::error::SupervisorError;
use crate::supervisor::plan::{Beat, Deeds, Event};
use crate::supervisor::workers::report::Report;
use crate::supervisor::workers::scoreboard::SlotState;

impl Arbiter<'_> {
    /// The exit code. The child of a fork never returns from here.
    pub fn run(mut self) -> i32 {
        let ready = self.host.when_ready(&self.generations[0].listeners);
        let mut flow = match ready {
            Ok(()) => Ok(self.step(Event::Start)),
            Err(traceback) => {
                log::error!(target: TRACEBACK, "{traceback}");
                Err(SupervisorError::WhenReady)
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
    fn turn(&mut self) -> Result<Flow, SupervisorError> {
        logging::flush();
        if self.lineage.forget_gone_parent() {
            self.take_over();
        }
        self.wait()?;
        for event in self.news()? {
            if let leave @ ControlFlow::Break(_) = self.step(event) {
                return Ok(leave);
            }
        }
        let beats = self.beats();
        Ok(self.step(Event::Tick(&beats)))
    }

    /// Sleeps until a signal, a report, or the plan's next deadline.
    fn wait(&mut self) -> Result<(), SupervisorError> {
        let mut fds = vec![readable(self.signals.as_fd())];
        fds.extend(self.children.fds().map(readable));
        let now = Moment::now();
        // Nobody tells us that the former master has gone: it is looked for.
        let look = self.lineage.parent.map(|_| PARENT_LOOK);
        let figures = self.figures.tell(self.children.iter().count(), &self.generations, now);
        let span = [self.plan.sleep(now), self.systemd.beat(now), look, figures];
        let span = span.into_iter().flatten().min();
        let mut result = Ok(0);
        self.host.wait(&mut || result = poll(&mut fds, span));
        result.map(drop).map_err(SupervisorError::cannot("wait for events"))
    }

    /// What happened: deaths first, each after the last words of the dead; then reports; then
    /// signals. Only a stop goes before the deaths: Ctrl-C reaches the workers as well, and they
    /// must not be replaced because they were faster. Signals are taken before the reaping: the
    /// CHLD of who dies after it stays, and ends the next wait at once.
    fn news(&mut self) -> Result<Vec<Event<'static>>, SupervisorError> {
        let (mut stops, mut others) = self.take_signals()?;
        let mut deaths = self.reap_all()?;
        let looks_like_a_stop = |death: &Event<'_>| self.plan.looks_like_a_stop(death);
        if stops.is_empty() && deaths.iter().any(looks_like_a_stop) {
            (stops, others) = self.await_stop(others)?;
            deaths.extend(self.reap_all()?);
        }
        let reports = self.children.read_reports().into_iter();
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

    fn reap_all(&mut self) -> Result<Vec<Event<'static>>, SupervisorError> {
        let mut deaths = Vec::new();
        while let Some((pid, exit)) = reap().map_err(SupervisorError::cannot("reap"))? {
            if self.lineage.successor == Some(pid) {
                self.successor_ended(exit);
                continue;
            }
            let Some(mut child) = self.children.remove(pid) else { continue };
            let last_words = child.reports.read().into_iter();
            deaths.extend(last_words.map(|report| Event::Report { pid, report }));
            let deeds = Deeds {
                has_answered: child.slot.has_answered(),
                in_progress: child.slot.in_progress(),
            };
            deaths.push(Event::Exited { pid, exit, deeds });
            self.host.worker_exited(child.number, pid, exit);
        }
        Ok(deaths)
    }

    /// (those that stop us, all others); what is left in the pipe ends the next wait at once.
    fn take_signals(&self) -> Result<(Vec<Signal>, Vec<Signal>), SupervisorError> {
        let mut signals = Vec::new();
        for _ in 0..MAX_SIGNALS_A_TURN {
            let signal = self.signals.next_signal();
            match signal.map_err(SupervisorError::cannot("read signals"))? {
                Some(Signal::CHLD) => {}
                Some(signal) => signals.push(signal),
                None => break,
            }
        }
        Ok(signals.into_iter().partition(|signal| signal.asks_to_leave()))
    }

    /// A signal for a process group, or for a service's control group, reaches one process after the
    /// other, and perhaps us last. As [`take_signals`](Self::take_signals), after `others`.
    fn await_stop(
        &self,
        mut others: Vec<Signal>,
    ) -> Result<(Vec<Signal>, Vec<Signal>), SupervisorError> {
        let end = Moment::now() + STOP_OF_ALL;
        loop {
            let left = end - Moment::now();
            poll(&mut [readable(self.signals.as_fd())], Some(left))
                .map_err(SupervisorError::cannot("wait for signals"))?;
            let (stops, more) = self.take_signals()?;
            others.extend(more);
            if !stops.is_empty() || left.is_zero() {
                return Ok((stops, others));
            }
        }
    }

    fn beats(&self) -> Vec<Beat> {
        let beat = |child: &Child| Beat {
            pid: child.pid,
            at: child.slot.last_beat(),
            is_retiring: child.slot.state() == SlotState::Retiring,
        };
        self.children.iter().map(beat).collect()
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
}

/// How often a new master looks whether the old one is still there.
const PARENT_LOOK: Duration = Duration::from_millis(500);

/// How much later than a worker we may get a signal that is meant for all of us. Seen: a millisecond.
const STOP_OF_ALL: Duration = Duration::from_millis(100);

/// More than there are kinds of signals; deaths and reports must get their turn in a flood.
const MAX_SIGNALS_A_TURN: usize = 64;
