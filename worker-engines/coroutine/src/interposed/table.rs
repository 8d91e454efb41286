//! Every interposed call: what the linker exports, what is checked at start, what is counted.

use super::descriptors::{closing, poll, receive, send, socket};
use super::machinery::call::Call;
use super::offloaded::{durable, file_lock, ipc, lookup, open};
use super::process::{children, credentials, endings, mask, sleep, thread};
use super::sync::{barrier, c11, condvar, futex, mutex, once, rwlock, semaphore, spin};

/// Every one.
pub(super) static TABLE: &[&[Call]] = &[
    barrier::CALLS,
    c11::CALLS,
    children::CALLS,
    closing::CALLS,
    condvar::CALLS,
    credentials::CALLS,
    durable::CALLS,
    endings::CALLS,
    futex::CALLS,
    ipc::CALLS,
    file_lock::CALLS,
    lookup::CALLS,
    mask::CALLS,
    mutex::CALLS,
    once::CALLS,
    open::CALLS,
    poll::CALLS,
    receive::CALLS,
    rwlock::CALLS,
    semaphore::CALLS,
    semaphore::POST,
    send::CALLS,
    sleep::CALLS,
    socket::CALLS,
    spin::CALLS,
    thread::OF_THE_CALLER,
    thread::TAKING_A_THREAD,
];

#[cfg(test)]
mod tests {
    use super::TABLE;

    #[test]
    fn the_linker_exports_every_interposed_call_and_nothing_else() {
        let list = include_str!("../../interposed.list");
        let exported: Vec<_> =
            list.lines().filter_map(|line| line.trim().strip_suffix(';')).collect();
        let exported = &exported[..exported.len() - 1];
        let mut calls: Vec<_> = TABLE
            .iter()
            .flat_map(|calls| calls.iter().map(|call| call.name.to_str().unwrap()))
            .collect();
        calls.sort_unstable();
        assert_eq!(calls, exported);
    }
}
