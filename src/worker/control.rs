//! The control thread: signals, and the supervisor's end.
//!
//! A thread of its own, because the main thread may be inside a request for as long as that takes.
//! It runs no Python but the config file's hooks about signals, which other threads may make wait
//! (then the supervisor's patience decides), and the last words of a worker that the supervisor
//! gives up: then it reads the stacks.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use unicoro_contract::{Stop, StopState};
use unicoro_sys::poll::{is_ready, poll, readable};
use unicoro_sys::process::{Pid, exit_now};
use unicoro_sys::signal::{Signal, block_as_at_the_beginning};
use unicoro_sys::signal_pipe::SignalPipe;

use crate::logging::{self, TRACEBACK};
use crate::python::{self, Hooks};
use crate::supervisor::Station;
use crate::supervisor::scoreboard::SlotState;

/// How long a quick stop may take.
const QUICK: Duration = Duration::from_secs(1);
/// How long the end without a supervisor may take: the next server waits for the address. More than
/// idle clients are given (`drain::GRACE`).
const ORPHANED: Duration = Duration::from_millis(1500);

/// The exit code after `worker_abort`, as gunicorn's.
const ABORTED: i32 = 1;

/// What a worker listens to; TTIN and its like are the supervisor's. The application may handle them too.
const SIGNALS: [Signal; 2] = [Signal::TERM, Signal::USR1];
/// What it listens to as well, unless we were started with it ignored: then the application's children
/// must ignore it too, and what has a handler is not ignored after exec(2). See [`Slot::hurry`].
///
/// [`Slot::hurry`]: crate::supervisor::scoreboard::Slot::hurry
const KEYBOARDS: [Signal; 2] = [Signal::INT, Signal::QUIT];
/// What nobody else hears. faulthandler's handler, which has the process end by it at once, would come before
/// the stacks and the hook.
const LAST: [Signal; 1] = [Signal::ABRT];

/// Signals that come from here on are kept for the control thread: at first those that the application
/// handles, then all.
pub struct Early(SignalPipe);

impl Early {
    /// Offers them to the application, which may be loaded from here on.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn begin() -> io::Result<Self> {
        Ok(Self(SignalPipe::install(&[])?))
    }

    /// Begins to keep them all.
    ///
    /// # Errors
    /// A signal that cannot be caught.
    pub fn listen(&mut self) -> io::Result<()> {
        for signal in self.0.share(&shared())? {
            log::warn!(
                "the application's handler for {signal} is not called: it sends the signal again to hand it on \
                 (SA_NODEFER), as that of faulthandler.register(chain=True) does; register it without chain"
            );
        }
        self.0.listen(&LAST)
    }
}

/// Those that the application may handle as well.
pub fn shared() -> Vec<Signal> {
    let mut heard = SIGNALS.to_vec();
    heard.extend(KEYBOARDS.iter().filter(|signal| !signal.was_ignored()));
    heard
}

/// The control thread, as the main thread sees it.
pub struct Control {
    is_ending: Arc<AtomicBool>,
}

impl Control {
    /// Begins to do what the signals say.
    ///
    /// # Errors
    /// A signal that cannot be caught, or no thread.
    pub fn start(
        early: Early,
        stop: Arc<Stop>,
        station: &Arc<Station>,
        hooks: &Arc<Hooks>,
    ) -> io::Result<Self> {
        let mut early = early;
        // The terminal's hang-up is the supervisor's business: it is heard and nothing is done. Not
        // ignored, because the application's children would ignore it as well; but if we were started
        // so, they must. And the application may handle it.
        if Signal::HUP.has_default() {
            early.0.listen(&[Signal::HUP])?;
        }
        // Again, because a hook may have handled one by another way than Python's.
        early.listen()?;
        let Early(signals) = early;
        let is_ending = Arc::new(AtomicBool::new(false));
        let thread = ControlThread {
            signals,
            stop,
            station: Arc::clone(station),
            hooks: Arc::clone(hooks),
            has_int_hook: hooks.has("worker_int"),
            has_abort_hook: hooks.has("worker_abort"),
            is_ending: Arc::clone(&is_ending),
            deadline: None,
            is_orphaned: false,
        };
        thread::Builder::new().name("control".into()).spawn(move || thread.run())?;
        // Here, or on threads that begin here, runs the application, whose children inherit it.
        block_as_at_the_beginning();
        Ok(Self { is_ending })
    }

    /// The engine has returned: a deadline that passes from now on would only cut off what the
    /// application does at its end.
    pub fn end_begins(&self) {
        self.is_ending.store(true, Ordering::Relaxed);
    }
}

struct ControlThread {
    signals: SignalPipe,
    stop: Arc<Stop>,
    station: Arc<Station>,
    hooks: Arc<Hooks>,
    /// Asked once: the answer needs the interpreter, which a request may hold.
    has_int_hook: bool,
    has_abort_hook: bool,
    is_ending: Arc<AtomicBool>,
    deadline: Option<Instant>,
    is_orphaned: bool,
}

impl ControlThread {
    fn run(mut self) {
        loop {
            let left = self.deadline.map(|at| at.saturating_duration_since(Instant::now()));
            let mut slots = vec![readable(self.signals.as_fd())];
            if !self.is_orphaned {
                slots.push(readable(self.station.orphan()));
            }
            // A failing poll is out of memory at worst: try again when something happens.
            drop(poll(&mut slots, left));
            let has_lost_parent = slots.get(1).is_some_and(is_ready);
            while let Ok(Some(signal)) = self.signals.next_signal() {
                self.signal(signal);
            }
            if has_lost_parent {
                self.orphaned();
            }
            if self.deadline.is_some_and(|at| at <= Instant::now()) {
                self.cut_off();
            }
        }
    }

    fn signal(&mut self, signal: Signal) {
        match signal {
            Signal::TERM if !self.station.slot.is_hurried() => {
                self.station.slot.set_state(SlotState::Draining);
                self.stop.ask(StopState::Draining);
            }
            Signal::TERM | Signal::INT | Signal::QUIT => {
                self.end_within(QUICK);
                // Before the engine is asked, which may end this process at once.
                if self.has_int_hook {
                    self.hooks.worker_int();
                }
                self.stop.ask(StopState::Quitting);
            }
            Signal::USR1 => {
                if let Err(error) = logging::reopen() {
                    log::error!("the logs cannot be opened anew: {error}");
                }
            }
            Signal::ABRT => self.abort(),
            _ => {}
        }
    }

    /// The supervisor has given this worker up: says where it hangs, and dies of the signal; with a
    /// hook that wants to hear of it, with gunicorn's exit code.
    fn abort(&self) {
        logging::take_back();
        log::error!(target: TRACEBACK, "Where this worker was:\n{}", python::all_stacks());
        if self.has_abort_hook {
            self.hooks.worker_abort();
            self.hooks.worker_exit();
            exit_now(ABORTED);
        }
        drop(Signal::ABRT.reset());
        drop(Pid::me().send(Signal::ABRT));
    }

    fn orphaned(&mut self) {
        self.is_orphaned = true;
        log::warn!("the supervisor is gone; this worker ends");
        self.stop.ask(StopState::Draining);
        self.end_within(ORPHANED);
    }

    fn end_within(&mut self, time: Duration) {
        self.deadline.get_or_insert_with(|| Instant::now() + time);
    }

    fn cut_off(&mut self) {
        self.deadline = None;
        if self.is_orphaned || !self.is_ending.load(Ordering::Relaxed) {
            log::warn!("requests still in progress are cut off");
            self.hooks.worker_exit();
            logging::finish();
            exit_now(0);
        }
    }
}
