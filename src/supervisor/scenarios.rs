//! The supervisor with real forks and signals, and a fake host whose workers do next to nothing.
//!
//! ```text
//!   test ── spawns ──> this test binary again, running only `entry` ── run(FakeHost) ── forks
//!    └── reads its log (stderr), sends it signals, waits for its exit; each wait has a deadline
//! ```
//!
//! Every process holds the log's pipe, so its end means that all of them are gone.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::{BootFailure, Host, Options, Station, run};
use crate::logging::{self, LogLevel};
use crate::sys::address::Address;
use crate::sys::process::Pid;
use crate::sys::raw::{raw_poll, readable};
use crate::sys::signal::Signal;
use crate::sys::signal_pipe::SignalPipe;

const SCENARIO: &str = "UNICORO_SCENARIO";
const FOLDER: &str = "UNICORO_SCENARIO_FOLDER";
/// For anything that should happen "at once" on a machine that others use as well.
const SOON: Duration = Duration::from_secs(15);

/// Not a test by itself: the process that the others start.
#[test]
fn entry() {
    let Ok(scenario) = env::var(SCENARIO) else { return };
    let folder = PathBuf::from(env::var(FOLDER).unwrap());
    logging::init("-", LogLevel::Debug).unwrap();
    let mut host = FakeHost { scenario, folder };
    let options = host.options();
    std::process::exit(run(&mut host, options));
}

struct FakeHost {
    scenario: String,
    folder: PathBuf,
}

impl FakeHost {
    fn is(&self, word: &str) -> bool {
        self.scenario.split(' ').any(|found| found == word)
    }

    /// The test changes the world by making files.
    fn exists(&self, name: &str) -> bool {
        self.folder.join(name).exists()
    }

    fn options(&self) -> Options {
        let tcp = Address::Tcp { host: "127.0.0.1".to_owned(), port: 0 };
        let socket = if self.exists("second-socket") { "second.sock" } else { "first.sock" };
        Options {
            workers: 2,
            timeout: self.is("hang").then_some(Duration::from_secs(1)),
            graceful_timeout: Duration::from_secs(if self.is("patient") { 600 } else { 1 }),
            pidfile: Some(self.folder.join("pid")),
            binds: vec![tcp, Address::Unix(self.folder.join(socket))],
            ..Options::default()
        }
    }

    /// Serves nobody until it is told to leave.
    fn serve(&self, station: &Station, signals: &SignalPipe) -> i32 {
        loop {
            let mut fds = [readable(signals_fd(signals)), readable(station.orphan().as_raw_fd())];
            raw_poll(&mut fds, Some(Duration::from_millis(100))).unwrap();
            if fds[1].revents != 0 {
                return 0;
            }
            if !self.is("hang") {
                station.slot.beat();
            }
            match signals.next_signal().unwrap() {
                Some(Signal::TERM) if self.is("stubborn") => {}
                Some(Signal::TERM | Signal::QUIT | Signal::INT) => return 0,
                Some(Signal::HUP) => station.retiring(),
                Some(Signal::USR1) => log::info!("worker reopens"),
                _ => {}
            }
        }
    }
}

fn signals_fd(signals: &SignalPipe) -> i32 {
    signals.as_fd().as_raw_fd()
}

impl Host for FakeHost {
    fn run_worker(&mut self, station: Station) -> i32 {
        assert_eq!(station.listeners.len(), 2);
        if self.is("broken") || self.exists("broken") {
            return station.failed(BootFailure::Import, "Traceback:\n  ModuleNotFoundError: nope");
        }
        if self.is("crash-at-boot") {
            Pid::me().send(Signal::KILL).unwrap();
        }
        if self.is("panic") {
            panic!("a bug of ours");
        }
        if self.is("slow-boot") {
            thread::sleep(Duration::from_secs(600));
        }
        while self.exists("hold") {
            thread::sleep(Duration::from_millis(10));
        }
        let handled = [Signal::TERM, Signal::QUIT, Signal::INT, Signal::USR1, Signal::HUP];
        let signals = SignalPipe::install(&handled).unwrap();
        station.slot.set_current(b"GET /slow", crate::sys::clock::Moment::now());
        station.ready();
        log::info!("worker {} of generation {} is ready", station.number, station.generation);
        self.serve(&station, &signals)
    }

    fn before_fork(&mut self) {}
    fn after_fork_parent(&mut self) {}
    fn after_fork_child(&mut self) {}

    fn reload(&mut self, _generation: u64) -> Result<Options, String> {
        if self.exists("bad-settings") {
            Err("line 3 is wrong".to_owned())
        } else {
            Ok(self.options())
        }
    }
}

/// A supervisor in a process of its own.
struct Master {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
    folder: PathBuf,
}

impl Master {
    fn start(scenario: &str) -> Master {
        Master::start_in(new_folder(), scenario)
    }

    fn start_in(folder: PathBuf, scenario: &str) -> Master {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "supervisor::scenarios::entry", "--nocapture", "--test-threads=1"])
            .env(SCENARIO, scenario)
            .env(FOLDER, &folder)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Master { child, lines, seen: Vec::new(), folder }
    }

    /// One whose two workers are ready.
    fn serving(scenario: &str) -> Master {
        let mut master = Master::start(scenario);
        master.expect("is ready");
        master.expect("is ready");
        master
    }

    /// Waits for the next line that contains `text`.
    fn expect(&mut self, text: &str) -> String {
        let deadline = Instant::now() + SOON;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(_) => panic!("no line with {text:?} in:\n{}", self.seen.join("\n")),
            }
        }
    }

    /// The first line with `text` among those that have come, or the next one.
    fn seen(&mut self, text: &str) -> String {
        let known = self.seen.iter().find(|line| line.contains(text)).cloned();
        known.unwrap_or_else(|| self.expect(text))
    }

    fn send(&self, signal: Signal) {
        self.pid().send(signal).unwrap();
    }

    fn make(&self, name: &str) {
        fs::write(self.folder.join(name), "").unwrap();
    }

    fn unmake(&self, name: &str) {
        fs::remove_file(self.folder.join(name)).unwrap();
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32).unwrap()
    }

    /// Waits until the master and all workers are gone; the exit code, and the whole log.
    fn ends(mut self) -> (Option<i32>, String) {
        let deadline = Instant::now() + SOON;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it lives:\n{}", self.seen.join("\n")),
            }
        }
        let code = self.child.wait().unwrap().code();
        (code, self.seen.join("\n"))
    }

    /// The usual end: everything is cleaned up.
    fn stops_with_0(self, signal: Signal) -> String {
        self.send(signal);
        let folder = self.folder.clone();
        let (code, log) = self.ends();
        assert_eq!(code, Some(0), "{log}");
        assert!(log.contains("Shutting down: Master"), "{log}");
        for left in ["pid", "first.sock", "second.sock"] {
            assert!(!folder.join(left).exists(), "{left} is left");
        }
        log
    }
}

impl Drop for Master {
    /// A test that failed leaves no process: workers end with their supervisor.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn new_folder() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = env::temp_dir().join(format!("unicoro-scenario-{}-{count}", Pid::me()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).unwrap();
    folder
}

/// The pid at the end, or in the middle, of a line: `(pid:N)` or `pid: N`.
fn pid_in(line: &str) -> Pid {
    let digits = line.rsplit("pid:").next().unwrap().trim();
    let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
    Pid::from_raw(digits.parse().unwrap()).unwrap()
}

#[test]
fn it_starts_serves_and_stops() {
    let mut master = Master::start("");
    assert!(master.expect("Starting unicoro").contains("] [INFO] Starting unicoro 0.1.0"));
    let listening = master.expect("Listening at: http://127.0.0.1:");
    assert!(listening.contains("first.sock ("), "{listening}");
    master.expect("Using worker: sync");
    master.expect("is ready");
    master.expect("is ready");
    let pid = fs::read_to_string(master.folder.join("pid")).unwrap();
    assert_eq!(pid.trim(), master.pid().to_string());
    let log = master.stops_with_0(Signal::TERM);
    assert_eq!(log.matches("Booting worker with pid: ").count(), 2);
    assert!(log.contains("Handling signal: term"));
    for level in ["[WARNING]", "[ERROR]", "[CRITICAL]"] {
        assert!(!log.contains(level), "{log}");
    }
}

#[test]
fn a_quick_stop_is_clean_too() {
    let log = Master::serving("").stops_with_0(Signal::INT);
    assert!(!log.contains("[WARNING]"), "{log}");
}

#[test]
fn ctrl_c_reaches_workers_as_well_and_none_is_replaced() {
    for scenario in ["", "slow-boot"] {
        let mut master = match scenario {
            "" => Master::serving(scenario),
            _ => Master::start(scenario),
        };
        master.seen("Booting worker");
        let group = format!("-{}", master.pid());
        Command::new("kill").args(["-INT", "--", &group]).status().unwrap();
        let (code, log) = master.ends();
        assert_eq!(code, Some(0), "{log}");
        assert!(!log.contains("worker 3 "), "{log}");
        assert!(log.matches("Booting worker").count() <= 2, "{log}");
        assert!(!log.contains("[WARNING]") && !log.contains("[ERROR]"), "{log}");
    }
}

#[test]
fn an_idle_master_uses_no_processor_time() {
    let master = Master::serving("");
    let ticks = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", master.pid())).unwrap();
        // Behind the name in parentheses: user and system time are the 12th and 13th.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    let before = ticks();
    // Not a wait for anything: the time over which it is measured.
    thread::sleep(Duration::from_millis(500));
    assert!(ticks() - before <= 2, "a busy loop would use about 50 ticks");
    master.stops_with_0(Signal::TERM);
}

#[test]
fn a_term_that_comes_first_of_all_is_not_lost() {
    let mut master = Master::start("slow-boot patient");
    master.expect("Listening at");
    let log = master.stops_with_0(Signal::TERM);
    assert!(!log.contains("SIGKILL"), "{log}");
}

#[test]
fn a_worker_that_does_not_leave_is_killed_after_the_graceful_timeout() {
    let log = Master::serving("stubborn").stops_with_0(Signal::TERM);
    assert_eq!(log.matches("did not leave in time").count(), 2, "{log}");
}

#[test]
fn a_second_term_ends_the_patience() {
    let mut master = Master::serving("stubborn patient");
    master.send(Signal::TERM);
    master.expect("Handling signal: term");
    let log = master.stops_with_0(Signal::TERM);
    assert_eq!(log.matches("did not leave in time").count(), 2, "{log}");
}

#[test]
fn a_broken_app_ends_with_code_3_and_one_traceback() {
    let (code, log) = Master::start("broken").ends();
    assert_eq!(code, Some(3), "{log}");
    assert_eq!(log.matches("ModuleNotFoundError").count(), 1, "{log}");
    assert!(log.contains("\n  ModuleNotFoundError: nope\n"), "{log}");
}

#[test]
fn workers_that_die_at_boot_are_tried_again_after_a_pause() {
    let mut master = Master::start("crash-at-boot");
    master.expect("was killed by SIGKILL");
    master.expect("The next try is in 1 s");
    master.expect("Booting worker");
    master.expect("The next try is in 2 s");
    master.stops_with_0(Signal::TERM);
}

#[test]
fn a_panic_costs_one_worker() {
    let mut master = Master::start("panic");
    master.expect("exited with code 70");
    master.stops_with_0(Signal::TERM);
}

#[test]
fn a_worker_that_is_killed_is_replaced() {
    let mut master = Master::serving("");
    let first = pid_in(&master.seen("Booting worker with pid: "));
    first.send(Signal::KILL).unwrap();
    let line = master.expect("was killed by SIGKILL");
    assert_eq!(pid_in(&line), first);
    master.expect("worker 3 of generation 1 is ready");
    master.stops_with_0(Signal::TERM);
}

#[test]
fn a_reload_makes_before_it_breaks_and_moves_the_socket() {
    let mut master = Master::serving("");
    let (old, new) = (master.folder.join("first.sock"), master.folder.join("second.sock"));
    master.make("second-socket");
    master.make("hold");
    master.send(Signal::HUP);
    master.expect("second.sock");
    assert!(old.exists() && new.exists());
    master.unmake("hold");
    master.expect("Reload done: generation 2 serves");
    master.expect("Worker exited");
    master.expect("Worker exited");
    assert!(
        !old.exists() && new.exists(),
        "{:?} {}",
        fs::read_dir(&master.folder)
            .map(|d| d.flatten().map(|e| e.file_name()).collect::<Vec<_>>()),
        master.seen.join("\n")
    );
    let log = master.stops_with_0(Signal::TERM);
    assert!(!log.contains("[WARNING]"), "{log}");
}

#[test]
fn a_failed_reload_keeps_the_old_workers_and_the_next_one_heals() {
    let mut master = Master::serving("");
    master.make("bad-settings");
    master.send(Signal::HUP);
    master.expect("Reload failed; the old workers serve on");
    master.unmake("bad-settings");
    master.make("broken");
    master.send(Signal::HUP);
    master.expect("Reload failed; the old workers serve on");
    master.expect("ModuleNotFoundError");
    master.unmake("broken");
    master.send(Signal::HUP);
    master.expect("Reload done: generation 4 serves");
    let log = master.stops_with_0(Signal::TERM);
    assert_eq!(log.matches("ModuleNotFoundError").count(), 1, "{log}");
}

#[test]
fn a_retiring_worker_leaves_after_its_successor_came() {
    let mut master = Master::serving("");
    let first = pid_in(&master.seen("Booting worker with pid: "));
    // The fake worker retires at HUP.
    first.send(Signal::HUP).unwrap();
    master.expect("worker 3 of generation 1 is ready");
    assert_eq!(pid_in(&master.seen("Worker exited")), first);
    let log = master.stops_with_0(Signal::TERM);
    assert!(!log.contains("[ERROR]"), "{log}");
}

#[test]
fn a_hung_worker_is_named_with_its_request_and_replaced() {
    let mut master = Master::serving("hang");
    let line = master.expect("WORKER TIMEOUT (pid:");
    assert!(line.contains("at the request GET /slow ("), "{line}");
    master.expect("is ready");
    master.send(Signal::KILL);
    master.ends();
}

#[test]
fn workers_leave_when_their_supervisor_is_killed() {
    let master = Master::serving("");
    master.send(Signal::KILL);
    // The log's end is the proof.
    let (code, _) = master.ends();
    assert_eq!(code, None);
}

#[test]
fn usr1_reaches_master_and_workers_and_ttin_adds_one() {
    let mut master = Master::serving("");
    master.send(Signal::USR1);
    master.expect("worker reopens");
    master.expect("worker reopens");
    master.send(Signal::TTIN);
    master.expect("worker 3 of generation 1 is ready");
    master.send(Signal::TTOU);
    master.expect("Worker exited");
    master.stops_with_0(Signal::QUIT);
}

#[test]
fn a_pid_file_in_use_ends_with_code_1() {
    let folder = new_folder();
    fs::write(folder.join("pid"), Pid::me().to_string()).unwrap();
    let (code, log) = Master::start_in(folder, "").ends();
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("is running; stop it"), "{log}");
    assert!(!log.contains("Booting"), "{log}");
}
