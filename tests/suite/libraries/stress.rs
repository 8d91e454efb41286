//! The stress: everything that an application does at once, with a deadline that it often misses.
//!
//! 64 clients ask random views of tests/apps/stress: pooled and shared connections of drivers,
//! locks of Python and of a C library, a buffered writer, OS threads that import modules, forks.
//! Each question has a number of its own and each answer must carry it. An answer may also be 504,
//! or an error that the driver raised about a connection, no more of them than deadlines may have
//! broken. Nobody waits in vain, no worker dies, and the pools end whole.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::libraries::crowd::{self, Crowd, Visitor};
use crate::libraries::pools::Pool;
use crate::support::client::get_request;
use crate::support::compiler::compile_for;
use crate::support::wait::{self, PATIENCE};
use crate::support::{Engine, Launch, Server, backing};

const CLIENTS: u64 = 64;
/// In CI, where it shows that the stress itself works.
const SHORT: Duration = Duration::from_secs(10);
/// In seconds.
const DEADLINE: &str = "0.5";
/// How long a question may hold or wait for something, in seconds: nearly always, and sometimes.
const USUAL: f64 = 0.02;
const OVERLONG: f64 = 0.9;
/// One question of so many is overlong.
const OVERLONG_IN: u64 = 60;
/// One that keeps a lock for others is shorter than the deadline, and makes those late who come after.
const LONG: f64 = 0.25;

#[test]
fn stress() {
    let mut server = launch().args(&["--request-timeout", DEADLINE, "stress"]).start();
    let views = View::all(&server);
    let worker = server.worker_pid();
    let crowd = Crowd::new(&server, crowd::long().unwrap_or(SHORT), 1);
    crowd.come(CLIENTS, 0, |visitor| {
        let view = visitor.chance.one_of(&views);
        ask(&crowd, visitor, view);
    });
    judge(&crowd.tallies(), &views);
    views.iter().for_each(|view| answers_alone(&server, view));
    let complaints = server.complaints();
    let others: Vec<_> = complaints.iter().filter(|line| !is_about_a_deadline(line)).collect();
    assert!(others.is_empty(), "{others:#?}");
    server.assert_no_errors();
    // Who asks how a pool is may be overdue as well, on a busy machine.
    server.expect_errors();
    for pool in Pool::all(&server) {
        pool.expect_whole();
    }
    assert_eq!(server.worker_pid(), worker, "no worker dies");
    server.stop();
}

/// Each view works at the end: no wake-up was lost, no lock stays locked. A shared connection that was
/// broken off says so once, and on a busy machine a few may be late.
fn answers_alone(server: &Server, view: &View) {
    wait::until_true(&format!("{} to answer once more", view.name), || {
        let response = server.get(&format!("/{}?token=999999999&for=0.01", view.name));
        response.status == 200 && response.text() == "999999999"
    });
}

/// The server to be, with all that its views need.
fn launch() -> Launch {
    let launch = backing::with_upstream(Launch::new(Engine::Coroutine))
        .env("DRIVER", "stress")
        .env("DATABASE_URL", backing::database_url())
        .env("MARIADB", backing::mariadb())
        .env("REDIS", backing::redis());
    let library = compile_for(&launch.scratch, &["cc", "-D_GNU_SOURCE"], "stress/locks.c");
    launch.env("STRESS_LOCKS", library)
}

fn is_about_a_deadline(line: &str) -> bool {
    line.contains("has exceeded request_timeout")
        // A driver's error about its broken connection took the exception's place.
        || line.contains("the application has swallowed unicoro.RequestTimeout")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    /// A connection that one request has at a time.
    Pool,
    /// A connection that several have at once: each of them may see it break.
    Shared,
    /// Nothing that may fail.
    Plain,
}

struct View {
    name: String,
    about: About,
}

impl View {
    fn all(server: &Server) -> Vec<View> {
        let listed = server.get("/views").text();
        let view = |line: &str| {
            let (name, about) = line.split_once(' ').expect("a name, and what it is about");
            let about = match about {
                "pool" => About::Pool,
                "shared" => About::Shared,
                "plain" => About::Plain,
                other => panic!("a view is about {other:?}"),
            };
            View { name: name.to_owned(), about }
        };
        listed.lines().map(view).filter(|view| crowd::is_wanted(&view.name)).collect()
    }

    /// Errors that one overdue request may leave to others.
    fn victims(&self) -> usize {
        match self.about {
            About::Pool => 1,
            About::Shared => CLIENTS as usize,
            About::Plain => 0,
        }
    }

    /// What belongs together: the views of one pool.
    fn group(&self) -> &str {
        self.name.split('.').next().expect("a first part")
    }
}

/// What has become of the questions to one group of views.
#[derive(Default, Debug)]
struct Tally {
    answered: usize,
    overdue: usize,
    errors: Vec<String>,
    faults: Vec<String>,
}

fn judge(tallies: &BTreeMap<String, Tally>, views: &[View]) {
    let mut faults = Vec::new();
    for (group, Tally { answered, overdue, errors, faults: wrong }) in tallies {
        let errors = errors.len();
        println!("{group:24} {answered:7} answered {overdue:5} overdue {errors:5} errors");
        faults.extend(wrong);
    }
    let shown = &faults[..faults.len().min(30)];
    assert!(faults.is_empty(), "{} faults: {shown:#?}", faults.len());
    for view in views {
        let Some(tally) = tallies.get(view.group()) else { continue };
        let (most, errors) = (tally.overdue * view.victims(), &tally.errors);
        assert!(errors.len() <= most, "{}: at most {most} of {errors:#?}", view.group());
    }
}

fn ask(crowd: &Crowd<Tally>, visitor: &mut Visitor, view: &View) {
    let token = crowd.token();
    let seconds = match visitor.chance.below(OVERLONG_IN) {
        0 if view.about == About::Plain => LONG,
        0 => OVERLONG,
        _ => USUAL * visitor.chance.below(100) as f64 / 100.0,
    };
    let mut client = visitor.client(crowd.address());
    client.send(get_request(&format!("/{}?token={token}&for={seconds}", view.name)));
    let fault = |what: &str| format!("{} {token} {seconds}: {what}", view.name);
    let give_up = |what: &str| {
        crowd.count(view.group(), |tally| tally.faults.push(fault(what)));
        crowd.give_up();
    };
    if client.is_silent_for(PATIENCE) {
        return give_up("hangs");
    }
    let Some(response) = client.response_or_close() else {
        return give_up("closed without an answer");
    };
    let text = response.text();
    crowd.count(view.group(), |tally| match response.status {
        200 if text == token => tally.answered += 1,
        504 => tally.overdue += 1,
        500 if is_of_its_driver(view, &text) => tally.errors.push(text),
        status => tally.faults.push(fault(&format!("{status} {text}"))),
    });
    visitor.leave(client, &response);
}

/// Whether this is an error that the view's driver raises.
fn is_of_its_driver(view: &View, error: &str) -> bool {
    let driver = view.group().split('-').next().expect("a first part");
    let module = error.split('.').next().expect("a first part");
    let own = match driver {
        "psycopg2" => &["psycopg2"][..],
        "psycopg3" => &["psycopg", "psycopg_pool"],
        "pymysql" => &["pymysql"],
        "redis" => &["redis"],
        // FullPoolError: whoever was overdue while it waited for urllib3's pool puts back what it
        // has not taken.
        "requests" => &["requests", "urllib3"],
        _ => &[],
    };
    own.contains(&module)
}
