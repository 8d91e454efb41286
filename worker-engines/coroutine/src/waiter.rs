//! How a green worker waits for its client's socket: parked, and woken by the edge that the reactor
//! sees anyway, so that a wait costs no system call.

use std::io;
use std::time::Instant;

use unicoro_contract::{Interest, Stream, Waiter, wait_blocking};

use crate::green::{self, Woken};
use crate::lot::NoWait;

/// The waiter of every connection of this engine.
pub struct ParkingWaiter;

impl Waiter for ParkingWaiter {
    fn wait(
        &self,
        stream: &Stream,
        interest: Interest,
        until: Option<Instant>,
    ) -> io::Result<bool> {
        // An application may read its input from a thread of its own.
        let Some(green) = green::current() else {
            return wait_blocking(stream, interest, until);
        };
        let ticket = green.ticket();
        let core = green.core();
        let since = Instant::now();
        let waits = core.lot.borrow_mut().wait(stream.key(), ticket, interest, since);
        match waits {
            Ok(()) => {}
            Err(NoWait::Taken) => return Err(io::Error::other("two threads wait for one client")),
            Err(NoWait::Evicted) => return Err(evicted()),
        }
        let woken = green.park(ticket, until);
        if core.lot.borrow_mut().stop_waiting(stream.key(), since) {
            return Err(evicted());
        }
        Ok(woken == Woken::Ready)
    }
}

fn evicted() -> io::Error {
    io::Error::from(io::ErrorKind::ConnectionAborted)
}
