//! The reactor: the coroutine that turns the engine.
//!
//! It owns the epoll set and the timers, and blocks its OS thread in `epoll_wait` when nobody can run.
//! All other coroutines are green workers, which it makes.
//!
//! ```text
//!   turn:  epoll_wait ─► events ─► timers ─► queue of ready connections ─► yield
//!             ▲          parked: read, parse          │ a green worker      │
//!             │          waiting: wake                │ is called           │
//!             └───────────── all runnable green threads run once ◄──────────┘
//! ```
//!
//! No borrow of the engine's state may be held across `handler.serve`, a park, a yield or a spawn.

use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use unicoro_contract::{
    AfterServe, Connection, Interest, ResidentsWord, StopState, Stream, drain, serve_caught,
};
use unicoro_reactor::{Events, Ready, Token};
use unicoro_sys::poll::poll;

use crate::core::Core;
use crate::deadline::Alarm;
use crate::green::Green;
use crate::resident::{self, Watcher};
use crate::room::Shortage;
use crate::scheduler::Task;
use crate::thread_block::ThreadBlock;
use crate::wait::Woken;
use crate::{bell, errands, outbox, preemption, progress, stirred};

/// While green threads can run, the epoll set is looked at no more often than this: a look is a
/// system call, a switch is not.
const LOOK: Duration = Duration::from_micros(250);

/// How long the reactor sleeps in each turn once it can wait for nothing.
const BLIND: Duration = Duration::from_millis(1);

/// A green worker serves requests in a row for this long while others can run.
const RUN: Duration = Duration::from_millis(1);
/// For this long while nobody else can, before it lets the reactor look: answers that are held leave
/// then.
const LONGEST_RUN: Duration = Duration::from_millis(4);

/// The reactor of an engine, on whichever carrier has the role.
#[derive(Clone, Copy)]
pub struct Reactor {
    /// What it turns.
    pub core: &'static Core,
}

impl Reactor {
    /// Turns while this carrier has the role, until asked to stop, and until then everything in
    /// progress is done.
    pub fn run(self, carrier: usize) {
        self.core.queue.begin(carrier);
        if carrier == 0 && self.core.has_resident {
            self.settle();
        }
        let mut events = Events::default();
        let mut last_look = Instant::now();
        let mut last_beat = None;
        let mut is_blind = false;
        while !self.wind_up() {
            let mut now = Instant::now();
            self.hear_resident(now);
            if self.core.queue.runnable() == 0 || now.duration_since(last_look) >= LOOK {
                let timeout = self.longest_wait(now);
                let is_blocking = timeout != Some(Duration::ZERO);
                let is_at_rest = is_blocking && self.core.queue.is_alone();
                progress::set_waiting(is_blocking);
                if let Err(error) = self.core.epoll.wait(&mut events, timeout) {
                    // It fails at once again: the application has closed a descriptor that is not its own.
                    if !mem::replace(&mut is_blind, true) {
                        log::error!(
                            "the reactor's epoll_wait failed, so this worker ends: {error}"
                        );
                        self.core.seat.stop.ask(StopState::Quitting);
                    }
                    drop(poll(&mut [], Some(BLIND)));
                }
                progress::set_waiting(false);
                now = Instant::now();
                if is_at_rest {
                    self.core.rested.set(now);
                }
                preemption::put_off(now);
                last_look = now;
                for (token, ready) in events.iter() {
                    self.dispatch(token, ready);
                }
            }
            self.core.now.set(now);
            self.expire(now);
            self.core.clients.borrow_mut().look_after(now);
            self.core.handler.tend(now);
            for stream in self.core.handler.roused() {
                self.core.clients.borrow_mut().rouse(&stream);
            }
            self.relieve(now);
            self.core.room.look_after(now);
            if last_beat.is_none_or(|beat| now.duration_since(beat) >= self.core.seat.beat) {
                last_beat = Some(now);
                // A worker in which no code of the language runs, or that hears of no client, is not alive.
                if !progress::is_kept() && !is_blind {
                    self.core.seat.pulse.beat();
                }
                self.core.crew.look_after(now);
            }
            self.staff();
            self.core.queue.let_others_run();
            progress::switched(0);
        }
    }

    /// Ends what can end, once the worker is asked to; whether all is done that there is time for. Green
    /// workers end as threads do, with what their threads held; a finaliser that waits for ever is not
    /// waited for.
    fn wind_up(self) -> bool {
        if !self.core.clients.borrow().is_done() {
            return false;
        }
        let is_quitting = self.core.seat.stop.state() == StopState::Quitting;
        if !is_quitting && !outbox::is_done() {
            return false;
        }
        if self.core.has_resident && !resident::end(&*self.core.handler, is_quitting) {
            return false;
        }
        let now = Instant::now();
        let done_at = self.core.done_at.get().unwrap_or(now);
        self.core.done_at.set(Some(done_at));
        is_quitting || self.core.crew.dismiss() || now.duration_since(done_at) >= drain::GRACE
    }

    /// How long the reactor may block: not at all while anybody can run, or must be made to: the
    /// last idle green worker may have parked with requests still in the queue.
    fn longest_wait(self, now: Instant) -> Option<Duration> {
        if self.core.has_work() {
            return Some(Duration::ZERO);
        }
        let beat = self.core.seat.beat;
        let client = self.core.clients.borrow().next_deadline();
        let timer = self.core.timers.borrow().next_deadline();
        let deadline = [client, timer, self.core.room.next_look()].into_iter().flatten().min();
        Some(deadline.map_or(beat, |at| at.saturating_duration_since(now).min(beat)))
    }

    fn dispatch(self, token: Token, ready: Ready) {
        match token {
            Token::Listener(index) => self.core.clients.borrow_mut().accept(index as usize),
            Token::Client { index, generation } => {
                let mut clients = self.core.clients.borrow_mut();
                let upgraded = clients.event(index as usize, generation, ready, |watcher| {
                    self.wake(watcher);
                });
                drop(clients);
                if let Some(stream) = upgraded
                    && let Some(upgraded) = stream.upgraded()
                {
                    upgraded.turn();
                }
            }
            Token::Descriptor(fd) => {
                self.core.descriptors.borrow_mut().ready(&self.core.epoll, fd, ready)
            }
            Token::Siblings => self.core.clients.borrow_mut().check_share(),
            Token::Stop => self.core.clients.borrow_mut().stop(),
            Token::Foreign => {
                bell::acknowledge();
                self.core.words.borrow_mut().collect_foreign_wakes();
                self.core.descriptors.borrow_mut().collect_foreign_closes(&self.core.epoll);
                errands::collect_done();
                self.look_after_stuck();
                self.wake_stirred();
                self.core.queue.collect_returned();
            }
        }
    }

    fn wake(self, watcher: Watcher) {
        match watcher {
            Watcher::Green(ticket) => drop(ticket.wake(Woken::Ready)),
            Watcher::Resident(number) => self.core.handler.ready(number),
        }
    }

    /// Does what the resident has asked for since the last turn.
    fn hear_resident(self, now: Instant) {
        for (word, is_late) in resident::take_words() {
            match word {
                ResidentsWord::Over(connection, after) => self.after(connection, after, now),
                ResidentsWord::NotMine(connection) => {
                    self.core.line.borrow_mut().push(connection, false);
                }
                ResidentsWord::Task(task) => self.core.tasks.borrow_mut().push_back(task),
                ResidentsWord::Watch(stream, number) => {
                    let mut clients = self.core.clients.borrow_mut();
                    // Once watched is enough; what is served no more needs no watch.
                    clients.wait(&stream, Watcher::Resident(number), Interest::Either);
                    drop(clients);
                    if is_late {
                        // The edge may have come before.
                        self.core.handler.ready(number);
                    }
                }
            }
        }
    }

    /// What is left of an answer is sent by who serves its connection.
    fn look_after_stuck(self) {
        for stream in outbox::take_stuck() {
            self.core.clients.borrow_mut().resume(&stream);
        }
    }

    /// Something has happened to upgraded connections that no event tells of.
    fn wake_stirred(self) {
        for stream in stirred::take() {
            self.core.clients.borrow_mut().stays(&stream);
            self.wake_green(&stream);
        }
    }

    /// Wakes the green threads that wait for it. The resident has no use for it any more.
    fn wake_green(self, stream: &Stream) {
        let mut clients = self.core.clients.borrow_mut();
        while let Some(watcher) = clients.take_waiter(stream) {
            if let Watcher::Green(ticket) = watcher {
                ticket.wake(Woken::Ready);
            }
        }
    }

    fn expire(self, now: Instant) {
        loop {
            let expired = self.core.timers.borrow_mut().pop_expired(now);
            match expired {
                None => return,
                Some(Alarm::Wait(ticket)) => drop(ticket.wake(Woken::Deadline)),
                Some(Alarm::Request(overdue)) => overdue.fire(),
            }
        }
    }

    /// Sees to it that somebody serves what is ready.
    fn staff(self) {
        self.line_up();
        while self.core.has_requests() && !self.core.crew.call() {
            if !self.core.may_hire() {
                return;
            }
            if let Err(shortage) = self.hire() {
                self.core.room.run_out(shortage, self.core.crew.size());
            }
        }
    }

    /// Requests that are ready stand in line. While as many as may be are in progress, those that would
    /// begin with a wait for their client stand behind the others.
    fn line_up(self) {
        let (mut clients, mut line) = (self.core.clients.borrow_mut(), self.core.line.borrow_mut());
        let is_full = self.core.crew.all_at_work().is_some();
        while let Some(mut connection) = clients.next_ready() {
            if self.core.has_resident {
                match self.core.handler.hand_over(connection) {
                    Ok(()) => continue,
                    Err(back) => connection = back,
                }
            }
            let later = is_full && self.core.handler.would_wait(&connection);
            line.push(connection, later);
        }
    }

    /// As many requests as may be are in progress, and others wait: clients that stall in the middle of
    /// one hold them up.
    fn relieve(self, now: Instant) {
        let servers = self.core.crew.all_at_work();
        let queued = servers.map_or(0, |_| self.core.line.borrow().len());
        let servers = servers.unwrap_or(1);
        self.core.clients.borrow_mut().relieve(now, queued, servers);
        if queued > 0 && !self.core.has_said_full.replace(true) {
            log::info!(
                "requests_in_progress ({servers}) reached: further requests wait for their turn \
                 (said once)"
            );
        }
    }

    /// The resident begins to live.
    fn settle(self) {
        if let Err(error) = self.try_to_settle() {
            log::error!("the event loop has no thread, so this worker ends: {error}");
            resident::ended();
            self.core.seat.stop.ask(StopState::Quitting);
        }
    }

    fn try_to_settle(self) -> io::Result<()> {
        let block = ThreadBlock::new()?;
        let body = move |task: &Task| {
            let lived = Green::run(self.core, task, block, |green| {
                resident::begin(green.identity());
                green.outside(|| self.core.handler.reside());
            });
            if let Err(error) = lived {
                log::error!("the event loop could not be started: {error}");
            }
            // Nobody else answers what it was handed: without it the worker is of no use.
            if resident::ended() {
                self.core.seat.stop.ask(StopState::Quitting);
            }
        };
        self.core.queue.spawn(body)
    }

    /// One more green worker, called to the queue.
    fn hire(self) -> Result<(), Shortage> {
        if !self.core.queue.keeps_a_stack() {
            self.core.room.find(self.core.stack_bytes, self.core.crew.size())?;
        }
        let block = ThreadBlock::new().map_err(|error| Shortage::of(&error))?;
        let body = move |task: &Task| {
            let lived = Green::run(self.core, task, block, |green| self.work(green));
            self.core.crew.resize(-1);
            match lived {
                Ok(()) => self.core.room.grow(),
                Err(_) => {
                    self.core.crew.arrived();
                    self.core.room.run_out(Shortage::of_a_mapping(), self.core.crew.size());
                }
            }
        };
        self.core.queue.spawn(body).map_err(|_| Shortage::of_a_mapping())?;
        self.core.crew.resize(1);
        self.core.crew.expect();
        Ok(())
    }

    /// The life of a green worker.
    fn work(self, green: &Green) {
        loop {
            self.core.crew.arrived();
            loop {
                self.line_up();
                // A request may compute for a slice, not all of them together.
                progress::goes_on();
                let Some(now) = self.do_next(green) else { break };
                preemption::put_off(now);
                self.core.crew.linger(|| green.after_request());
                if self.core.crew.has_too_many() {
                    return;
                }
                // Requests without end must not starve the others.
                let run = if self.core.queue.runnable() > 0 { RUN } else { LONGEST_RUN };
                if now.duration_since(self.core.now.get()) >= run {
                    // It comes back for the next: nobody else need be called.
                    self.core.crew.expect();
                    green.yield_now();
                    self.core.crew.arrived();
                }
            }
            let ticket = green.ticket();
            self.core.crew.rest(ticket, Instant::now());
            if green.park(ticket, None) == Woken::Deadline {
                break;
            }
        }
    }

    /// Serves the next request, or else does a task; when that has ended. `None`: there is neither.
    fn do_next(self, green: &Green) -> Option<Instant> {
        let next = self.core.line.borrow_mut().take();
        if let Some(connection) = next {
            return Some(self.serve(green, connection));
        }
        let task = self.core.tasks.borrow_mut().pop_front()?;
        // It takes no request's place.
        self.core.crew.linger(|| {
            green.outside(|| {
                if catch_unwind(AssertUnwindSafe(task)).is_err() {
                    log::error!(
                        "a bug in unicoro: a task was lost to a panic, see above; please report it"
                    );
                }
            });
        });
        Some(Instant::now())
    }

    /// Serves a request; when it has ended.
    fn serve(self, green: &Green, mut connection: Box<Connection>) -> Instant {
        let after = match self.core.seat.request_timeout {
            None => green.outside(|| serve_caught(&*self.core.handler, &mut connection)),
            Some(timeout) => {
                let client = Arc::clone(&connection.stream);
                green.within(Instant::now() + timeout, client, || {
                    green.outside(|| serve_caught(&*self.core.handler, &mut connection))
                })
            }
        };
        let now = Instant::now();
        self.after(connection, after, now);
        now
    }

    /// A request has ended.
    fn after(self, connection: Box<Connection>, after: AfterServe, now: Instant) {
        // The application has given its input, or its WebSocket, to another request; or the resident has
        // watched it.
        self.wake_green(&connection.stream);
        let mut clients = self.core.clients.borrow_mut();
        match after {
            AfterServe::Park { until } => clients.rest(connection, until, now),
            AfterServe::Close => clients.close(connection),
        }
    }
}
