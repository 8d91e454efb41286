//! Every hook: what the linker exports, what is checked at start, what is counted.

use super::hook::Hook;
use super::{
    barrier, c11, children, closing, condvar, credentials, durable, futex, ipc, lock, lookup, mask,
    mutex, once, open, poll, receive, rwlock, semaphore, send, sleep, socket, spin, thread,
};

/// Every hook.
pub(super) static TABLE: &[&[Hook]] = &[
    barrier::HOOKS,
    c11::HOOKS,
    children::HOOKS,
    closing::HOOKS,
    condvar::HOOKS,
    credentials::HOOKS,
    durable::HOOKS,
    futex::HOOKS,
    ipc::HOOKS,
    lock::HOOKS,
    lookup::HOOKS,
    mask::HOOKS,
    mutex::HOOKS,
    once::HOOKS,
    open::HOOKS,
    poll::HOOKS,
    receive::HOOKS,
    rwlock::HOOKS,
    semaphore::HOOKS,
    semaphore::POST,
    send::HOOKS,
    sleep::HOOKS,
    socket::HOOKS,
    spin::HOOKS,
    thread::OF_THE_CALLER,
    thread::TAKING_A_THREAD,
];

#[cfg(test)]
mod tests {
    use super::TABLE;

    #[test]
    fn the_linker_exports_every_hook_and_nothing_else() {
        let list = include_str!("../../interposed.list");
        let exported: Vec<_> =
            list.lines().filter_map(|line| line.trim().strip_suffix(';')).collect();
        let exported = &exported[..exported.len() - 1];
        let mut hooks: Vec<_> = TABLE
            .iter()
            .flat_map(|hooks| hooks.iter().map(|hook| hook.name.to_str().unwrap()))
            .collect();
        hooks.sort_unstable();
        assert_eq!(hooks, exported);
    }
}
