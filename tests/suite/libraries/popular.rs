//! Popular libraries at random, by 32 clients: no wrong answer, no death, no error logged.
//!
//! Each view of tests/apps/popular makes something of its request's token by means of one library,
//! waits in the middle of it, inside of the library where that can be, and compares with what is
//! known without the library. Requests of all libraries meet in each other's waits.
//!
//! With the libraries of .venv it takes 15 seconds; views of others are skipped and named.
//! With `SUITE_LONG` there are all the libraries of tests/apps/popular/requirements.txt, which are
//! installed into `target` first. `SUITE_SEED=N` asks the same again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use crate::libraries::crowd::{self, Crowd, Visitor};
use crate::support::client::get_request;
use crate::support::wait::PATIENCE;
use crate::support::{Engine, Launch, Server, backing, repository, virtual_environment};

const CLIENTS: u64 = 32;
/// In CI, where .venv has about half of the libraries.
const SHORT: Duration = Duration::from_secs(15);
/// Of ten digits, as all that follow.
const FIRST_TOKEN: u64 = 1_000_000_007;
/// How long a view waits at most, in milliseconds.
const LONGEST: u64 = 30;
/// What importing all of them may take on a busy machine.
const BOOT: Duration = Duration::from_secs(120);
/// So many faults of a view say enough.
const MOST_FAULTS: usize = 5;

#[test]
fn popular_libraries_at_random() {
    let long = crowd::long();
    let server = launch(long.is_some()).args(&["--keep-alive", "30", "popular"]).start();
    let views = views(&server);
    let skipped = server.get("/skipped").text();
    println!("{} views; skipped: {}", views.len(), skipped.replace('\n', ", "));
    if long.is_some() {
        assert!(skipped.is_empty(), "a view that misses its library:\n{skipped}");
    }
    let seed = seed();
    println!("SUITE_SEED={seed}");
    let crowd = Crowd::new(&server, long.unwrap_or(SHORT), FIRST_TOKEN);
    let worker = server.worker_pid();
    crowd.come(CLIENTS, seed, |visitor| {
        let view = visitor.chance.one_of(&views);
        if let Err(why) = ask(&crowd, visitor, view) {
            // Whoever is in the same wait or death says so too.
            crowd.give_up();
            crowd.count(view, |tally| tally.faults.push(why));
        }
    });
    judge(&crowd.tallies());
    assert_eq!(server.worker_pid(), worker, "no worker dies");
    // A busy machine's BLOCKED is no error.
    server.complaints().iter().for_each(|line| println!("{line}"));
    server.stop();
}

/// The server to be, with all that its views need.
fn launch(has_all: bool) -> Launch {
    let launch = backing::with_upstream(Launch::new(Engine::Coroutine))
        .env("DATABASE_URL", backing::database_url())
        .env("MARIADB", backing::mariadb())
        .env("REDIS", backing::redis())
        .env("GRPC", backing::slow_grpc());
    // What matplotlib remembers of fonts.
    let home = launch.scratch.file("matplotlib");
    let launch = launch.env("MPLCONFIGDIR", home).env("TOKENIZERS_PARALLELISM", "true");
    if !has_all {
        return launch;
    }
    let mut path = repository().join("tests/apps").into_os_string();
    path.push(":");
    path.push(all_libraries());
    launch.env("PYTHONPATH", path)
}

/// The directory of all the libraries, for this Python. As .venv, a finished one carries a stamp of
/// what it was made from.
fn all_libraries() -> PathBuf {
    let python = virtual_environment().join("bin/python3");
    let version = Command::new(&python).arg("-VV").output().expect("python3 can be run");
    let lists = ["tests/requirements.txt", "tests/apps/popular/requirements.txt"]
        .map(|list| repository().join(list));
    let mut wanted = String::from_utf8_lossy(&version.stdout).into_owned();
    wanted.extend(lists.iter().map(|list| fs::read_to_string(list).expect("the list is there")));
    let short = wanted.split_whitespace().nth(1).expect("`Python 3.x.y ...`");
    let directory = repository().join("target/popular").join(short);
    if fs::read_to_string(directory.join("made-from")).is_ok_and(|made_from| made_from == wanted) {
        return directory;
    }
    println!("installing into {}", directory.display());
    let _ = fs::remove_dir_all(&directory);
    install(&python, &lists, &directory);
    fs::write(directory.join("made-from"), wanted).expect("target is writable");
    directory
}

/// Both lists at once: what they share must fit both.
fn install(python: &Path, lists: &[PathBuf], directory: &Path) {
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]);
    pip.arg(directory);
    for list in lists {
        pip.arg("-r").arg(list);
    }
    assert!(pip.status().is_ok_and(|status| status.success()), "{pip:?}");
}

/// Once the server has imported all of them.
fn views(server: &Server) -> Vec<String> {
    let mut client = server.connect();
    client.send(get_request("/views"));
    let began = Instant::now();
    while client.is_silent_for(PATIENCE) {
        assert!(began.elapsed() < BOOT, "the application has not been imported in {BOOT:?}");
    }
    let response = client.response();
    assert_eq!(response.status, 200, "{}", response.text());
    let text = response.text();
    text.lines().filter(|view| crowd::is_wanted(view)).map(str::to_owned).collect()
}

fn seed() -> u64 {
    let now = || SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_secs();
    std::env::var("SUITE_SEED").map_or_else(|_| now(), |seed| seed.parse().expect("a number"))
}

/// What has become of the questions to one view.
#[derive(Default)]
struct Tally {
    answered: usize,
    faults: Vec<String>,
}

fn judge(tallies: &BTreeMap<String, Tally>) {
    let mut faults = Vec::new();
    for (view, tally) in tallies {
        let wrong = tally.faults.len();
        println!("{view:20} {:7} answered {wrong:5} wrong", tally.answered);
        let shown = tally.faults.iter().take(MOST_FAULTS);
        faults.extend(shown.map(|fault| format!("{view}: {fault}")));
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    assert!(tallies.values().any(|tally| tally.answered > 0), "nobody was answered");
}

/// An error is the end: no answer came.
fn ask(crowd: &Crowd<Tally>, visitor: &mut Visitor, view: &str) -> Result<(), String> {
    let token = crowd.token();
    let seconds = visitor.chance.below(LONGEST) as f64 / 1000.0;
    let mut client = visitor.client(crowd.address());
    client.send_while_open(get_request(&format!("/{view}?token={token}&for={seconds}")));
    if client.is_silent_for(PATIENCE) {
        return Err(format!("{token} hangs"));
    }
    let response = client
        .response_or_close()
        .ok_or_else(|| format!("{token} was in progress when the connection was closed"))?;
    let text = response.text();
    crowd.count(view, |tally| match response.status {
        200 if text == token => tally.answered += 1,
        status => tally.faults.push(format!("{token} {seconds}: {status} {text}")),
    });
    visitor.leave(client, &response);
    Ok(())
}
