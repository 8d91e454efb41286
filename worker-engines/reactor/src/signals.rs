//! Signals belong to the main thread: the scheduler's thread must not run handlers in the middle of
//! a switch, and a blocking call of the application must not end with `EINTR` for a signal that is
//! not its own.

use unicoro_contract::stack_signal;
use unicoro_sys::signal::{BlockedSignals, Signal};

/// Signals that a thread brings upon itself.
pub const OWN: [Signal; 5] = [Signal::SEGV, Signal::BUS, Signal::FPE, Signal::ILL, Signal::TRAP];

/// Runs `start` with all signals blocked; threads begun inside keep them blocked. Not those that a
/// thread brings upon itself, which would kill without a handler's last word.
pub fn blocked<R>(start: impl FnOnce() -> R) -> R {
    let [segv, bus, fpe, ill, trap] = OWN;
    let spared = [segv, bus, fpe, ill, trap, Signal::from_raw(stack_signal())];
    let _blocked = BlockedSignals::all_but(&spared);
    start()
}
