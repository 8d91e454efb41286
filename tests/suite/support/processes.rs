//! What /proc says about processes, and signals to them by pid.

use std::fs;
use std::path::PathBuf;

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

/// Sends a signal; a process that is gone already is no error.
pub fn signal(pid: u32, signal: Signal) {
    let _ = signal::kill(to_pid(pid), signal);
}

/// The same of all that are left of a process group.
pub fn signal_group(group: u32, signal: Signal) {
    let _ = signal::killpg(to_pid(group), signal);
}

/// Kills what is left of a process group.
pub fn kill_group(group: u32) {
    signal_group(group, Signal::SIGKILL);
}

/// Living processes (zombies do not count) whose parent is `pid`, oldest pid first.
pub fn children(pid: u32) -> Vec<u32> {
    living(|stat| stat.parent == pid)
}

/// Living processes of a process group.
pub fn group_members(group: u32) -> Vec<u32> {
    living(|stat| stat.group == group)
}

/// What can be seen of a process that should not be there any more: who it is, and where it waits.
pub fn description(pid: u32) -> String {
    let read = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let (name, call, place) = (read("comm"), read("syscall"), read("wchan"));
    let threads = status_field(pid, "Threads").unwrap_or_default();
    let parent = status_field(pid, "PPid").unwrap_or_default();
    format!("{pid} {name:?}, of {parent}, {threads} threads, in {place}, system call {call:?}")
}

pub fn is_alive(pid: u32) -> bool {
    Stat::read(pid).is_some_and(|stat| !stat.is_zombie)
}

/// Whether all its threads have heard of SIGSTOP.
pub fn is_stopped(pid: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("the process lives").flatten();
    let mut states = threads.map(|thread| fs::read_to_string(thread.path().join("status")));
    states.all(|status| status.is_ok_and(|status| status.contains("\nState:\tT")))
}

/// A number out of /proc/PID/status, such as `Threads` or `VmRSS` (in KiB).
pub fn status_number(pid: u32, field: &str) -> u64 {
    let value = status_field(pid, field).expect("the process lives and has the field");
    value.split_whitespace().next().unwrap().parse().expect("the field is a number")
}

/// How many of the process's descriptors are sockets.
pub fn open_sockets(pid: u32) -> usize {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).expect("the process lives").flatten();
    let links = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
    links.filter(|link| link.to_string_lossy().starts_with("socket:")).count()
}

/// Whether the process has said what it does about a signal: catches it, or holds it back.
pub fn has_prepared_for(pid: u32, signal: Signal) -> bool {
    let bit = 1_u64 << (signal as i32 - 1);
    ["SigCgt", "SigBlk"].iter().any(|field| {
        let mask = status_field(pid, field).and_then(|mask| u64::from_str_radix(&mask, 16).ok());
        mask.unwrap_or(0) & bit != 0
    })
}

/// The program that the process runs, by the last part of its path.
pub fn program(pid: u32) -> Option<String> {
    let link = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    Some(link.file_name()?.to_string_lossy().into_owned())
}

fn status_field(pid: u32, field: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    Some(line.trim().to_owned())
}

fn living(wanted: impl Fn(&Stat) -> bool) -> Vec<u32> {
    let entries = fs::read_dir("/proc").expect("/proc is mounted").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut found: Vec<u32> = pids
        .filter(|&pid| Stat::read(pid).is_some_and(|stat| !stat.is_zombie && wanted(&stat)))
        .collect();
    found.sort_unstable();
    found
}

/// The start of /proc/PID/stat.
struct Stat {
    is_zombie: bool,
    parent: u32,
    group: u32,
}

impl Stat {
    fn read(pid: u32) -> Option<Stat> {
        let text = fs::read_to_string(PathBuf::from(format!("/proc/{pid}/stat"))).ok()?;
        // The command stands in parentheses and may hold any byte, `)` too: count from the last.
        let mut fields = text[text.rfind(')')? + 1..].split_whitespace();
        let state = fields.next()?;
        let parent = fields.next()?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        Some(Stat { is_zombie: matches!(state, "Z" | "X"), parent, group })
    }
}

fn to_pid(pid: u32) -> Pid {
    Pid::from_raw(i32::try_from(pid).expect("a pid fits"))
}
