//! Every way to wait, fifty times at once on one coroutine worker: together, not one after the
//! other, and each answered with its own token.
//!
//! The rule is "fifty take less than twice what one takes". Each waits for a second; a machine so
//! busy that one takes a second and a half is given three for the fifty. In sequence it were fifty.
//! `cargo test --release --test suite matrix -- --nocapture --test-threads=1` prints the times.

use std::fs;
use std::time::{Duration, Instant};

use crate::support::{Engine, Launch, Server, backing, repository};

const SECONDS: f64 = 1.0;
/// What one run counts for at least.
const FLOOR: Duration = Duration::from_millis(1500);

/// One test for each view.
macro_rules! together {
    ($($count:literal: $($view:ident),+;)+) => {
        pub const VIEWS: &[&str] = &[$($(stringify!($view)),+),+];
        mod waits_together {
            $($(
                #[test]
                fn $view() {
                    super::waits_together(stringify!($view), $count);
                }
            )+)+
        }
    };
}

together! {
    50: time_sleep,
        socket_blocking, socket_with_timeout, socket_times_out, socket_receive_timeout_option,
        socket_accept, socket_send_to_a_full_buffer,
        tls_blocking, tls_with_timeout,
        with_urllib, with_urllib_tls, with_requests, with_requests_tls, with_httpx, with_httpx_tls,
        with_pycurl, with_pycurl_tls,
        with_select, with_select_and_timeout, select_times_out, with_poll, poll_times_out,
        with_epoll, epoll_times_out, with_selectors, with_pipe,
        lock, lock_times_out, recursive_lock, recursive_lock_times_out, one_lock_for_all,
        condition, condition_times_out, event, event_times_out, semaphore, semaphore_times_out,
        barrier, barrier_times_out, raw_futex, queue_get, queue_get_with_timeout, queue_get_times_out,
        simple_queue, queue_between_requests,
        subprocess_run, subprocess_communicate, subprocess_wait, subprocess_wait_with_timeout,
        os_system, thread_join, thread_pool,
        asyncio_sleep, asyncio_streams, asyncio_to_thread, asyncio_subprocess,
        flock, lockf, sqlite_lock,
        with_psycopg2, with_psycopg3, with_pymysql, with_redis, with_pymemcache, with_grpcio;
    // A pool is a process and three threads.
    10: multiprocessing_pool;
}

/// Views with a test of their own, below.
const APART: &[&str] = &["getaddrinfo", "hidden_sleep", "computes"];

fn waits_together(view: &str, count: u32) {
    let server = launch(&[view]).args(&["matrix"]).start();
    measure(&server, view, count);
    server.stop();
}

fn measure(server: &Server, view: &str, count: u32) {
    ask(server, view, 2, 0.02); // imports what it needs
    // Two, because queue_between_requests needs a partner.
    let one = ask(server, view, 2, SECONDS);
    let all = ask(server, view, count, SECONDS);
    println!("{view}: one {:.2} s, {count} at once {:.2} s", one.as_secs_f32(), all.as_secs_f32());
    // On a quiet machine twice one run is enough; a busy one must not fail what parks: one after the
    // other it would be `count` times SECONDS.
    let strict = 2 * one.max(FLOOR);
    let limit = if std::env::var_os("SUITE_STRICT").is_some() {
        strict
    } else {
        strict.max(Duration::from_secs_f64(SECONDS * f64::from(count) / 4.0))
    };
    assert!(all < limit, "{count} x {view} took {all:?}, one {one:?}");
}

/// `count` requests at once, each of which must be answered with its own token.
fn ask(server: &Server, view: &str, count: u32, seconds: f64) -> Duration {
    let started = Instant::now();
    let path = |token| format!("/{view}?token={token}&for={seconds}");
    let mut clients = server.waiting_for_each((0..count).map(path));
    for (token, client) in (0_u32..).zip(&mut clients) {
        let response = client.response();
        let answer = (response.status, response.text());
        assert_eq!(answer, (200, token.to_string()), "{view}, token {token}");
    }
    started.elapsed()
}

/// The server to be, with the other servers that these views ask.
pub fn launch(views: &[&str]) -> Launch {
    let launch = backing::with_upstream(Launch::new(Engine::Coroutine));
    views.iter().fold(launch, |launch, view| match *view {
        "with_psycopg2" | "with_psycopg3" => launch.env("DATABASE_URL", backing::database_url()),
        "with_pymysql" => launch.env("MARIADB", backing::mariadb()),
        "with_redis" => launch.env("REDIS", backing::redis()),
        "with_pymemcache" => launch.env("MEMCACHED", backing::slow_memcached()),
        "with_grpcio" => launch.env("GRPC", backing::slow_grpc()),
        _ => launch,
    })
}

/// For `getaddrinfo`: glibc asks the name server of /etc/resolv.conf, so the server gets a view of
/// the file system where that names ours. Needs root.
pub fn with_names(launch: Launch) -> Launch {
    launch.inside_of(|scratch| {
        let ours = format!("nameserver {}\noptions attempts:1\n", backing::slow_name_server());
        let file = scratch.write("resolv.conf", &ours);
        let bind = format!("mount --bind {} /etc/resolv.conf && exec \"$@\"", file.display());
        ["unshare", "--mount", "sh", "-c", &bind, "sh"].map(str::to_owned).to_vec()
    })
}

#[test]
fn name_lookups_wait_together() {
    if !nix::unistd::geteuid().is_root() {
        println!("skipped: another /etc/resolv.conf for one process needs root");
        return;
    }
    let server = with_names(launch(&[])).args(&["matrix"]).start();
    measure(&server, "getaddrinfo", 50);
    server.stop();
}

/// What waits in a way that nothing interposed sees takes turns where there is one carrier, and the log says which
/// request it was.
#[test]
fn hidden_waits_are_answered_rightly_and_the_watchdog_names_them() {
    let server = launch(&[]).args(&["matrix", "--carriers", "1"]).start();
    ask(&server, "hidden_sleep", 4, 1.5);
    let log = server.log();
    assert!(log.contains("BLOCKED") && log.contains("GET /hidden_sleep?token="), "{log}");
    assert!(log.contains("in hidden_sleep"), "{log}");
    server.stop();
}

/// With more carriers others go on meanwhile: four in a row would take six seconds.
#[test]
fn hidden_waits_wait_together_on_carriers() {
    let server = launch(&[]).args(&["matrix"]).start();
    let took = ask(&server, "hidden_sleep", 4, 1.5);
    assert!(took < Duration::from_millis(4500), "{took:?}");
    server.stop();
}

#[test]
fn no_view_of_the_matrix_is_forgotten() {
    let directory = repository().join("tests/apps/matrix");
    let files = fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    let python = files.filter(|path| path.extension().is_some_and(|extension| extension == "py"));
    let source: String = python.map(|path| fs::read_to_string(path).unwrap()).collect();
    let views = source.split("@view\ndef ").skip(1).map(|rest| rest.split('(').next().unwrap());
    let forgotten: Vec<_> =
        views.filter(|view| !VIEWS.contains(view) && !APART.contains(view)).collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
}
