//! A green thread is a thread to every library: what a C, C++ or Rust library keeps for its thread
//! is never another request's, and no worker dies of finding it so.
//!
//! The applications are tests/apps/own_threads. Each request has a number of its own, gives it to a
//! library, waits in the library's midst, and answers "right" if it has found its own again. Each
//! question is asked by many at once, and in 30 rounds: nothing here may be right by luck.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use nix::sys::signal::Signal;

use crate::support::client::get_request;
use crate::support::compiler::compile;
use crate::support::{Client, Engine, Launch, Server, backing, virtual_environment, wait};

const ROUNDS: usize = 30;
/// Numbers of one round begin here times the round; more than there are at once.
const STEP: usize = 100;
/// Of what went wrong, so many are shown.
const SHOWN: usize = 5;
const CLOSED: &str = "closed without an answer";

/// One test for each view: so many at once.
macro_rules! own {
    ($application:expr; $($count:literal: $($view:ident),+;)+) => {
        $($(
            #[test]
            fn $view() {
                $crate::coroutine::own_threads::is_own($application, stringify!($view), $count);
            }
        )+)+
    };
}

/// `launch` serves the view; in each round all are answered rightly, by the worker of the first.
fn is_own(launch: Launch, view: &str, count: usize) {
    let server = launch.start();
    expect_right(&server, view, count, 0..ROUNDS);
    server.stop();
}

fn expect_right(server: &Server, view: &str, count: usize, rounds: std::ops::Range<usize>) {
    let worker = server.worker_pid();
    let (mut faults, mut asked, mut wrong) = (Vec::new(), 0, 0);
    for round in rounds {
        let found = ask(server, view, round * STEP..round * STEP + count);
        asked += 1;
        wrong += usize::from(!found.is_empty());
        let has_died = found.iter().any(|fault| fault.ends_with(CLOSED));
        faults.extend(found);
        // The next workers are started later and later.
        if has_died {
            break;
        }
    }
    let shown = faults[..faults.len().min(SHOWN)].join("\n");
    assert!(faults.is_empty(), "{view}: {wrong} of {asked} rounds were wrong:\n{shown}");
    assert_eq!(server.worker_pid(), worker, "{view}: a worker has died");
}

/// All numbers at once; what is wrong about the answers.
fn ask(server: &Server, view: &str, numbers: std::ops::Range<usize>) -> Vec<String> {
    let mut clients: Vec<Client> = numbers.clone().map(|_| server.connect()).collect();
    for (number, client) in numbers.clone().zip(&mut clients) {
        client.send(get_request(&format!("/{view}?{number}")));
    }
    let judge = |(number, client): (usize, &mut Client)| match client.response_or_close() {
        Some(response) if response.status == 200 && response.text() == "right" => None,
        Some(response) => Some(format!("{number}: {} {}", response.status, response.text())),
        None => Some(format!("{number}: {CLOSED}")),
    };
    numbers.zip(&mut clients).filter_map(judge).collect()
}

fn application(module: &str) -> Launch {
    Launch::new(Engine::Coroutine).args(&[format!("own_threads.{module}")])
}

/// Something compiled once for all tests: from a source among the applications.
fn compiled(source: &str, compiler: &[&str], name: &str) -> PathBuf {
    static MADE: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap();
    if let Some(path) = made.get(name) {
        return path.clone();
    }
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("own_threads");
    std::fs::create_dir_all(&directory).unwrap();
    // Another run of the suite may have it loaded: never written to, but replaced.
    let (path, draft) = (directory.join(name), directory.join(format!("{name}.draft")));
    let includes = includes().iter().map(String::as_str);
    let compiler: Vec<&str> = compiler.iter().copied().chain(["-O1"]).chain(includes).collect();
    compile(&compiler, Path::new("own_threads").join(source), &draft);
    std::fs::rename(&draft, &path).unwrap();
    made.insert(name.to_owned(), path.clone());
    path
}

/// Where Python's headers are, and pybind11's.
fn includes() -> &'static [String] {
    static FOUND: OnceLock<Vec<String>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let mut python = Command::new(virtual_environment().join("bin/python3"));
        let output = python.args(["-m", "pybind11", "--includes"]).output().unwrap();
        assert!(output.status.success(), "run tests/setup first: .venv has no pybind11");
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_whitespace().map(str::to_owned).collect()
    })
}

/// Requests may lose the processor at any point, after so little computing.
fn giving_way_often(launch: Launch) -> Launch {
    if Engine::Coroutine.is_gunicorn() { launch } else { launch.args(&["--switch-interval=1"]) }
}

fn in_c(source: &str, compiler: &[&str], name: &str) -> Launch {
    application("in_c").env("LIBRARY", compiled(source, compiler, name))
}

fn own_c() -> Launch {
    in_c("own.c", &["cc"], "own.so")
}

fn own_cplusplus() -> Launch {
    in_c("own.cpp", &["c++", "-std=c++17"], "own++.so")
}

mod in_c_nobody_finds_anothers {
    own! { super::own_c();
        5: python_tss, python_tss_with_gil;
        20: pthread_keys, c11_keys, from_call_to_call,
            errno_across_a_wait, errno_of_ctypes, errno_of_cffi, dlerror_across_a_wait,
            static_buffers, locale_of_the_thread, rounding_mode, cancel_state, signal_mask,
            identity, bounds_of_the_stack, nested_attachment,
            recursive_mutex, error_checking_mutex, robust_mutex, priority_inheriting_mutex,
            mutex_is_tried, lock_for_writing, once_for_all;
    }
}

/// One module of tests for each way in which compilers reach thread-local variables.
macro_rules! variables {
    ($module:ident; $($name:ident: $($flag:literal)+;)+) => {
        mod $module {
            $(
                mod $name {
                    own! {
                        $crate::coroutine::own_threads::in_c("variables.c", &["cc", $($flag),+], stringify!($name));
                        20: variables, large_variable, initial_value, address_of_variable;
                    }
                }
            )+
        }
    };
}

variables! {
    in_thread_local_variables_nobody_finds_anothers;
    initial_exec: "-ftls-model=initial-exec" "-DLARGE=400";
    local_dynamic: "-ftls-model=local-dynamic";
    global_dynamic: "-ftls-model=global-dynamic";
}

// Other processors have no other.
#[cfg(target_arch = "x86_64")]
variables! {
    in_variables_by_descriptor_nobody_finds_anothers;
    descriptors: "-mtls-dialect=gnu2";
}

mod in_cplusplus_nobody_finds_anothers {
    own! { super::own_cplusplus();
        20: object_of_the_thread, object_of_a_function, caught_exception, current_exception,
            exception_in_flight, nested_exceptions, call_once_each, call_once_for_all,
            static_object, recursive_mutex, shared_mutex, identity;
    }
}

mod in_openmp_nobody_finds_anothers {
    own! { super::in_c("openmp.c", &["cc", "-fopenmp"], "openmp.so");
        20: settings;
        5: teams, wait_within_a_team;
    }
}

mod in_pybind11_nobody_finds_anothers {
    own! { super::pybind();
        10: slow_file, without_gil, callback, nested_calls, converted_argument,
            exception_of_python, exception_of_cplusplus;
    }
}

fn pybind() -> Launch {
    let library = compiled("bound.cpp", &["c++", "-std=c++17", "-fvisibility=hidden"], "bound.so");
    application("pybind").env("BOUND", library.parent().unwrap())
}

mod in_kafkas_client_nobody_finds_anothers {
    own! { super::application("kafka");
        5: flush;
        10: shared_delivery_report, delivery_report, poll;
    }
}

mod in_duckdb_nobody_finds_anothers {
    own! { super::application("ducks");
        5: function_that_sleeps, function_over_rows, function_that_fails;
    }
}

mod in_openssl_nobody_finds_anothers {
    own! { super::giving_way_often(super::backing::with_upstream(super::application("tls")));
        30: sound_beside_unverified, sound_beside_unverified_by_requests,
            pyopenssl_beside_unverified;
        60: ends_without_close_notify;
    }
}

mod in_other_libraries_nobody_finds_anothers {
    own! { super::application("others");
        10: lxml_reads_slowly, lxml_transforms_slowly, numpy_settings, numpy_calls_back,
            pydantic_validates_slowly;
    }
}

/// Requests lose the processor at any point of theirs where the machine is busy.
#[test]
fn a_server_that_ends_without_close_notify_breaks_no_other_connection_on_a_busy_machine() {
    const FEWER: usize = ROUNDS / 3; // each takes long there
    let server = backing::with_upstream(application("tls")).start();
    let busy = Busy::start(4);
    expect_right(&server, "ends_without_close_notify", 60, 0..FEWER);
    drop(busy);
    server.stop();
}

/// Each thread reads its fonts from files when it first needs them: so each start is a question.
#[test]
fn first_figures_of_matplotlib_are_made_at_once() {
    each_start_makes_figures(|launch| launch);
}

#[test]
fn figures_of_matplotlib_are_made_while_requests_give_way_at_each_millisecond() {
    each_start_makes_figures(|launch| {
        giving_way_often(launch.env("INTERVAL", "0.001")) //
    });
}

fn each_start_makes_figures(with: impl Fn(Launch) -> Launch) {
    let starts = if std::env::var_os("SUITE_LONG").is_some() { 30 } else { 10 };
    // What matplotlib finds out about fonts at its first import.
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("matplotlib");
    for _ in 0..starts {
        let launch = with(application("figures").env("MPLCONFIGDIR", &kept));
        let server = launch.start();
        expect_right(&server, "savefig", 8, 0..1);
        server.stop();
    }
}

/// A thread's values are freed when it ends, and whoever frees them still sees its own.
macro_rules! is_ended {
    ($($name:ident: $launch:ident, $notes:expr;)+) => {
        mod at_the_end_of_a_green_thread {
            $(
                #[test]
                fn $name() {
                    super::is_ended(super::$launch(), &$notes);
                }
            )+
        }
    };
}

is_ended! {
    destructors_of_keys_run: own_c, ["key", "again"];
    objects_of_the_thread_are_destroyed: own_cplusplus, ["object"];
}

fn is_ended(launch: Launch, notes: &[&str]) {
    const COUNT: usize = 5;
    let server = launch.start();
    let faults = ask(&server, "until_the_end", 0..COUNT);
    assert!(faults.is_empty(), "{faults:?}");
    if server.engine.is_gunicorn() {
        server.signal(Signal::SIGTERM); // its threads end with the worker only
    }
    // Idle green threads end after ten seconds.
    wait::until("a note of each thread", 2 * wait::PATIENCE, || {
        let seen = server.notes();
        let count = |note: &str| seen.lines().filter(|line| line.starts_with(note)).count();
        notes.iter().all(|note| count(note) == COUNT).then_some(())
    });
    let seen = server.notes();
    let lines: Vec<&str> = seen.lines().collect();
    for number in 1..=COUNT {
        for note in notes {
            assert!(lines.contains(&format!("{note} {number}").as_str()), "{seen}");
        }
    }
    assert_eq!(lines.len(), COUNT * notes.len(), "{seen}");
    server.stop();
}

/// Processes that leave no processor idle.
struct Busy(Vec<Child>);

impl Busy {
    fn start(count: usize) -> Busy {
        let start = |_| {
            let mut shell = Command::new("sh");
            // It ends with its stdin, which this process has: however that ends.
            let ends = "exec 3<&0; (cat <&3 >/dev/null; kill $$) & while :; do :; done";
            shell.args(["-c", ends]).stdin(Stdio::piped()).spawn().unwrap()
        };
        Busy((0..count).map(start).collect())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        for child in &mut self.0 {
            drop(child.stdin.take());
            let _ = child.wait();
        }
    }
}
