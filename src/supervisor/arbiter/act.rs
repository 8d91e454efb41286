//! What the plan wants is done here.

use std::ops::ControlFlow;

use unicoro_sys::clock::Moment;
use unicoro_sys::process::Pid;
use unicoro_sys::signal::Signal;

use super::reload::reopen_logs;
use super::{Arbiter, Flow, Leave};
use crate::critical;
use crate::logging::{LogLevel, TRACEBACK};
use crate::supervisor::plan::{Action, Event, timeout_message};

impl Arbiter<'_> {
    /// One event, and whatever its actions bring about.
    pub(super) fn step(&mut self, event: Event<'_>) -> Flow {
        let actions = self.plan.step(event, Moment::now());
        self.act_all(actions)?;
        while let Some(event) = self.later.pop_front() {
            let actions = self.plan.step(event, Moment::now());
            self.act_all(actions)?;
        }
        ControlFlow::Continue(())
    }

    pub(super) fn act_all(&mut self, actions: Vec<Action>) -> Flow {
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
                if let Some(child) = self.children.by_pid(pid) {
                    child.slot.hurry();
                }
                send(pid, Signal::TERM);
            }
            Action::Send { pid, signal } => send(pid, signal),
            Action::Abort { pid, age } => {
                let requests = self.children.by_pid(pid).and_then(|child| child.slot.in_progress());
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
}

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
