//! How a green worker waits for its client's socket: parked, and woken by the edge that the reactor
//! sees anyway, so that a wait costs no system call.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use unicoro_contract::{
    Interest, ResidentsWord, Stream, Tempo, Waiter, wait_a_step, wait_blocking,
};

use crate::green::{self, Green, Inside};
use crate::resident::{self, Watcher};
use crate::wait::Woken;
use crate::{bell, outbox, stirred};

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
        let Some(inside) = green::coming_in() else {
            return wait_blocking(stream, interest, until);
        };
        if has_come_meanwhile(&inside, stream, interest)? {
            return Ok(true);
        }
        park(inside.green(), stream, interest, until)
    }

    fn wait_a_while(
        &self,
        stream: &Stream,
        interest: Interest,
        until: Option<Instant>,
        seen: u32,
    ) -> io::Result<bool> {
        let Some(inside) = green::coming_in() else {
            return wait_a_step(stream, interest, until, seen);
        };
        if has_come_meanwhile(&inside, stream, interest)? {
            return Ok(true);
        }
        // Now that it has the role: from here on whoever stirs finds it.
        if stream.stirs() != seen {
            return Ok(false);
        }
        park(inside.green(), stream, interest, until)
    }

    fn stir(&self, stream: &Arc<Stream>) {
        stirred::stir(stream);
    }

    fn tells_upgraded(&self) -> bool {
        true
    }

    fn hold(
        &self,
        stream: &Arc<Stream>,
        answer: Vec<u8>,
        began: Instant,
        tempo: &Tempo,
    ) -> Result<(), Vec<u8>> {
        match green::inside() {
            // It leaves the processor when all that could run in it has.
            Some(inside) if resident::is(inside.green().identity()) => {
                outbox::hold(stream, answer, Instant::now(), tempo)
            }
            Some(inside) if inside.green().core().has_requests() => {
                outbox::hold(stream, answer, began, tempo)
            }
            _ => {
                // In the order in which they were made.
                outbox::send();
                Err(answer)
            }
        }
    }

    fn let_go(&self) {
        outbox::send();
    }
}

/// Hears what the resident says. From any thread.
pub fn hear_resident(word: ResidentsWord) {
    // It keeps the role until it has spoken: no edge comes between.
    let inside = green::inside();
    let is_late = inside.is_none();
    resident::say(word, is_late);
    drop(inside);
    if is_late {
        // The reactor may sleep.
        bell::ring();
    }
}

/// Whether the edge came while the caller did not have the role, and so was not waiting for it.
fn has_come_meanwhile(
    inside: &Inside<'_>,
    stream: &Stream,
    interest: Interest,
) -> io::Result<bool> {
    Ok(inside.had_lost_role() && wait_blocking(stream, interest, Some(Instant::now()))?)
}

/// Parks until the socket is ready; false: until `until`.
fn park(
    green: &Green,
    stream: &Stream,
    interest: Interest,
    until: Option<Instant>,
) -> io::Result<bool> {
    let ticket = green.ticket();
    let core = green.core();
    if !core.clients.borrow_mut().wait(stream, Watcher::Green(ticket), interest) {
        return Err(io::Error::other("its request is over, or another thread waits for it"));
    }
    let woken = green.park(ticket, until);
    core.clients.borrow_mut().stop_waiting(
        stream,
        |waiter| matches!(waiter, Watcher::Green(other) if other.is_of(ticket)),
    );
    Ok(woken == Woken::Ready)
}
