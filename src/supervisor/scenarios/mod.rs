//! The supervisor with real forks and signals, and a fake host whose workers do next to nothing.
//!
//! ```text
//!   test ── spawns ──> this test binary again, running only `entry` ── run(FakeHost) ── forks
//!    └── reads its log (stderr), sends it signals, waits for its exit; each wait has a deadline
//! ```
//!
//! Every process holds the log's pipe, so its end means that all of them are gone.

mod deaths;
mod reloads;
mod signals;
mod stops;

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use unicoro_sys::poll::{is_ready, poll, readable};
use unicoro_sys::process::Pid;
use unicoro_sys::signal::Signal;
use unicoro_sys::signal_pipe::SignalPipe;

use super::{BootFailure, Host, HostError, Options, Station, run};
use crate::listening::address::Address;
use crate::logging::{self, LogLevel};

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
            let mut fds = [readable(signals.as_fd()), readable(station.orphan())];
            poll(&mut fds, Some(Duration::from_millis(100))).unwrap();
            if is_ready(&fds[1]) {
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
        station.slot.begin(b"GET /slow", unicoro_sys::clock::Moment::now());
        station.ready();
        log::info!("worker {} of generation {} is ready", station.number, station.generation);
        self.serve(&station, &signals)
    }

    fn before_fork(&mut self) {}
    fn after_fork_parent(&mut self) {}
    fn after_fork_child(&mut self) {}

    fn reload(&mut self, _generation: u64) -> Result<Options, HostError> {
        if self.exists("bad-settings") { Err("line 3 is wrong".into()) } else { Ok(self.options()) }
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

    /// The lines that contain `text`, when there are so many.
    fn all_seen(&mut self, text: &str, count: usize) -> Vec<String> {
        let known = |seen: &[String]| seen.iter().filter(|line| line.contains(text)).count();
        while known(&self.seen) < count {
            self.expect(text);
        }
        self.seen.iter().filter(|line| line.contains(text)).cloned().collect()
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
    assert!(
        master
            .expect("Starting unicoro")
            .contains(concat!("] [INFO] Starting unicoro ", env!("CARGO_PKG_VERSION")))
    );
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
