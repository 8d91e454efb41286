//! One server under test: asked by its clients, stopped by its pid, and judged by its log, its exit
//! code and what it leaves behind.

use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};

use nix::sys::signal::Signal;

use crate::support::client::{self, Client, Response, get_and_close};
use crate::support::{Engine, Scratch, processes, wait};

pub struct Server {
    pub engine: Engine,
    pub address: SocketAddr,
    pub scratch: Scratch,
    process: Child,
    /// Errors in the log are what this test is about.
    expects_errors: bool,
}

impl Server {
    /// One that has been started (see launch.rs).
    pub fn of(process: Child, engine: Engine, address: SocketAddr, scratch: Scratch) -> Server {
        Server { engine, address, scratch, process, expects_errors: false }
    }

    pub fn get(&self, path: &str) -> Response {
        client::get(self.address, path)
    }

    pub fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// A client that has sent a GET and not yet read.
    pub fn waiting_client(&self, path: &str) -> Client {
        let mut client = self.connect();
        client.send(get_and_close(path));
        client
    }

    /// One such client for each path; all are connected before one sends.
    pub fn waiting_for_each<P: AsRef<str>>(
        &self,
        paths: impl IntoIterator<Item = P>,
    ) -> Vec<Client> {
        let connected = paths.into_iter().map(|path| (self.connect(), path));
        let send = |(mut client, path): (Client, P)| {
            client.send(get_and_close(path.as_ref()));
            client
        };
        connected.collect::<Vec<_>>().into_iter().map(send).collect()
    }

    /// `count` of them that have sent the same.
    pub fn waiting_clients(&self, count: usize, path: &str) -> Vec<Client> {
        self.waiting_for_each(std::iter::repeat_n(path, count))
    }

    /// The answers to the same request from `count` clients at once.
    pub fn at_once(&self, count: usize, path: &str) -> Vec<Response> {
        self.waiting_clients(count, path).iter_mut().map(Client::response).collect()
    }

    /// The same request from `count` clients at once: all are answered 200, with this text.
    #[track_caller]
    pub fn answers_at_once(&self, count: usize, path: &str, text: &str) {
        for response in self.at_once(count, path) {
            assert_eq!((response.status, response.text().as_str()), (200, text), "{path}");
        }
    }

    /// Everything that the server sends in answer to these bytes until it closes.
    pub fn exchange(&self, request: impl AsRef<[u8]>) -> String {
        let mut client = self.connect();
        client.send(request);
        String::from_utf8_lossy(&client.bytes_to_the_end()).into_owned()
    }

    /// The process that was started: the supervisor.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    pub fn worker_pids(&self) -> Vec<u32> {
        processes::children(self.pid())
    }

    /// The one worker, once there is exactly one.
    pub fn worker_pid(&self) -> u32 {
        self.wait_for_workers(1)[0]
    }

    /// The workers, once there are exactly so many.
    pub fn wait_for_workers(&self, count: usize) -> Vec<u32> {
        self.workers_where(&format!("{count} workers"), |pids| pids.len() == count)
    }

    /// The workers, once there are exactly so many and this one has gone.
    pub fn wait_for_workers_without(&self, gone: u32, count: usize) -> Vec<u32> {
        let are_others = |pids: &[u32]| pids.len() == count && !pids.contains(&gone);
        self.workers_where(&format!("{count} workers without {gone}"), are_others)
    }

    fn workers_where(&self, what: &str, are_right: impl Fn(&[u32]) -> bool) -> Vec<u32> {
        let right = || Some(self.worker_pids()).filter(|pids| are_right(pids));
        wait::until(what, wait::PATIENCE, right)
    }

    /// The pid in a file of the scratch directory, once it is there.
    pub fn pid_in(&self, file: &str) -> u32 {
        wait::until(&format!("a pid in {file}"), wait::PATIENCE, || self.scratch.pid(file))
    }

    pub fn signal(&self, signal: Signal) {
        processes::signal(self.pid(), signal);
    }

    /// HUP, and the wait for its end.
    pub fn reload(&self) {
        let count = || self.log().matches("Reload done").count();
        let before = count();
        self.signal(Signal::SIGHUP);
        wait::until_true("the reload", || count() > before);
    }

    /// The error log, which goes to stderr.
    pub fn log(&self) -> String {
        self.scratch.read("stderr")
    }

    /// The first line on stdout, where an access log named `-` goes, once it is whole.
    pub fn access_line(&self) -> String {
        wait::until("an access-log line", wait::PATIENCE, || {
            let text = self.scratch.read("stdout");
            text.split_once('\n').map(|(line, _)| line.to_owned())
        })
    }

    /// What the app noted in the file `$NOTES`.
    pub fn notes(&self) -> String {
        self.scratch.read("notes")
    }

    pub fn wait_for_log(&self, text: &str) {
        wait::until_true(&format!("{text:?} in the log"), || self.log().contains(text));
    }

    /// Waits for this part of a line on stdout, where an access log named `-` goes.
    pub fn wait_for_access(&self, text: &str) {
        let is_there = || self.scratch.read("stdout").contains(text);
        wait::until_true(&format!("{text:?} in the access log"), is_there);
    }

    pub fn wait_for_notes(&self, text: &str) {
        wait::until_true(&format!("{text:?} in the notes"), || self.notes().contains(text));
    }

    pub fn wait_for_text(&self, text: &str) {
        wait::until_true(&format!("{text:?} to be served"), || self.get("/").text() == text);
    }

    /// From here on errors in the log are expected.
    pub fn expect_errors(&mut self) {
        self.expects_errors = true;
    }

    /// Lines of the log that say WARNING or worse.
    pub fn complaints(&self) -> Vec<String> {
        self.log().lines().filter(|line| is_complaint(line)).map(str::to_owned).collect()
    }

    /// Stops the server as its operator does, and judges the end. gunicorn's end is not ours to
    /// judge: it is killed, because it now and then swallows a TERM that comes while it boots.
    pub fn stop(self) {
        if self.engine.is_gunicorn() {
            return; // dropping it kills it
        }
        self.signal(Signal::SIGTERM);
        self.end_of_stop();
    }

    /// Waits for the end of a stop that has been asked for: exit code 0, nothing left.
    pub fn end_of_stop(mut self) {
        let status = self.wait_for_exit();
        assert_eq!(status.code(), Some(0), "exit: {status}");
        if !self.expects_errors {
            self.assert_no_errors();
        }
    }

    /// Fails when there is an error in the log.
    pub fn assert_no_errors(&self) {
        let log = self.log();
        let errors = errors_in(&log);
        assert!(errors.is_empty(), "errors in the log: {errors:#?}");
    }

    /// Waits for an end by itself and returns the exit code.
    pub fn exit_code(&mut self) -> i32 {
        let status = self.wait_for_exit();
        status.code().unwrap_or_else(|| panic!("ended by signal {:?}", status.signal()))
    }

    /// Waits for the end and returns the signal that caused it, if one did.
    pub fn ending_signal(&mut self) -> Option<i32> {
        self.wait_for_exit().signal()
    }

    /// Waits until the supervisor has ended and no process of its group is left.
    fn wait_for_exit(&mut self) -> ExitStatus {
        let process = &mut self.process;
        let status =
            wait::until("the server to exit", wait::PATIENCE, || process.try_wait().unwrap());
        let group = self.pid();
        wait::until_true("the last process of the server to end", || {
            processes::group_members(group).is_empty()
        });
        status
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- {:?}, log ---\n{}--- end of log ---", self.engine, self.log());
            for pid in processes::group_members(self.pid()) {
                eprintln!("alive: {}", processes::description(pid));
            }
        }
        processes::kill_group(self.pid());
        let _ = self.process.wait();
    }
}

/// Lines that no healthy run has.
fn errors_in(log: &str) -> Vec<&str> {
    let is_error = |line: &&str| {
        has_level(line, &["ERROR", "CRITICAL"])
            || line.starts_with("Traceback (most recent call last)")
            || line.contains("panicked at")
    };
    log.lines().filter(is_error).collect()
}

fn is_complaint(line: &str) -> bool {
    has_level(line, &["WARN", "WARNING", "ERROR", "CRITICAL"])
}

/// Whether one of the first words of a log line is one of these levels, in brackets or bare.
fn has_level(line: &str, levels: &[&str]) -> bool {
    let bare = |word: &str| word.trim_matches(['[', ']', ':']).to_owned();
    line.split_whitespace().take(6).any(|word| levels.contains(&bare(word).as_str()))
}
