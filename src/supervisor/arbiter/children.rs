//! The supervisor's things for one worker: its slot and the line it reports on.
//!
//! The plan decides about workers; a child holds what a fork makes and a death frees.

use std::os::fd::BorrowedFd;

use unicoro_sys::process::Pid;

use crate::supervisor::workers::report::{Report, ReportReader};
use crate::supervisor::workers::scoreboard::{Scoreboard, Slot, SlotState};

/// One worker's descriptors and shared memory.
#[derive(Debug)]
pub struct Child {
    pub number: u64,
    pub pid: Pid,
    pub slot: &'static Slot,
    pub reports: ReportReader,
    slot_index: usize,
}

/// The children of this master that are alive.
#[derive(Debug)]
pub struct Children {
    board: Scoreboard,
    children: Vec<Child>,
}

impl Children {
    pub fn new(board: Scoreboard) -> Children {
        Children { board, children: Vec::new() }
    }

    /// All slots.
    pub fn board(&self) -> Scoreboard {
        self.board
    }

    /// The first slot that nobody uses.
    pub fn free_slot(&self) -> Option<(usize, &'static Slot)> {
        let index = (0..self.board.len())
            .find(|index| self.children.iter().all(|child| child.slot_index != *index))?;
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
        self.children.push(Child { number, pid, slot, reports, slot_index });
    }

    /// Its slot is free from now on.
    pub fn remove(&mut self, pid: Pid) -> Option<Child> {
        let index = self.children.iter().position(|child| child.pid == pid)?;
        let child = self.children.swap_remove(index);
        // Nobody leaves a client to the dead.
        child.slot.set_state(SlotState::Empty);
        Some(child)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Child> {
        self.children.iter()
    }

    pub fn by_pid(&self, pid: Pid) -> Option<&Child> {
        self.children.iter().find(|child| child.pid == pid)
    }

    /// The pipes to poll: each child reports on its own.
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.children.iter().filter_map(|child| child.reports.fd())
    }

    /// Everything that all workers have reported.
    pub fn read_reports(&mut self) -> Vec<(Pid, Report)> {
        let mut all = Vec::new();
        for child in &mut self.children {
            let pid = child.pid;
            all.extend(child.reports.read().into_iter().map(|report| (pid, report)));
        }
        all
    }
}
