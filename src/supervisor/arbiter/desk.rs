//! The supervisor's things for one worker: its slot and the line it reports on.
//!
//! The plan knows the worker as a seat; the desk holds what a fork makes and a death frees.

use std::os::fd::RawFd;

use crate::supervisor::workers::report::{Report, ReportReader};
use crate::supervisor::workers::scoreboard::{Scoreboard, Slot};
use crate::sys::process::Pid;

/// One worker's descriptors and shared memory.
#[derive(Debug)]
pub struct Desk {
    pub number: u64,
    pub pid: Pid,
    pub slot: &'static Slot,
    pub reports: ReportReader,
    slot_index: usize,
}

/// All of them.
#[derive(Debug)]
pub struct Desks {
    board: Scoreboard,
    desks: Vec<Desk>,
}

impl Desks {
    pub fn new(board: Scoreboard) -> Desks {
        Desks { board, desks: Vec::new() }
    }

    /// The first slot that nobody uses.
    pub fn free_slot(&self) -> Option<(usize, &'static Slot)> {
        let index = (0..self.board.len())
            .find(|index| self.desks.iter().all(|desk| desk.slot_index != *index))?;
        Some((index, self.board.slot(index)?))
    }

    pub fn add(
        &mut self,
        number: u64,
        pid: Pid,
        slot: (usize, &'static Slot),
        reports: ReportReader,
    ) {
        let (slot_index, slot) = slot;
        self.desks.push(Desk { number, pid, slot, reports, slot_index });
    }

    /// Its slot is free from now on.
    pub fn remove(&mut self, pid: Pid) -> Option<Desk> {
        let index = self.desks.iter().position(|desk| desk.pid == pid)?;
        Some(self.desks.swap_remove(index))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Desk> {
        self.desks.iter()
    }

    pub fn by_pid(&self, pid: Pid) -> Option<&Desk> {
        self.desks.iter().find(|desk| desk.pid == pid)
    }

    /// What to poll.
    pub fn raw_fds(&self) -> impl Iterator<Item = RawFd> {
        self.desks.iter().filter_map(|desk| desk.reports.raw_fd())
    }

    /// Everything that all workers have reported.
    pub fn read_reports(&mut self) -> Vec<(Pid, Report)> {
        let mut all = Vec::new();
        for desk in &mut self.desks {
            let pid = desk.pid;
            all.extend(desk.reports.read().into_iter().map(|report| (pid, report)));
        }
        all
    }
}
