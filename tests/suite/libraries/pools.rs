//! A deadline in the middle of an answer: no later request on the same pool ever reads a byte of
//! it, and the pool is whole again after at most one error for each connection.
//!
//! The application, tests/apps/pools, has pools as applications write them, and those that drivers
//! have. Every question carries a token of its own, which comes back by way of the server at the
//! other end: an answer that belongs to another question is seen at once.

use std::thread;

use crate::support::{Client, Engine, Launch, Server, backing, processes, wait};

/// The shortest that there is, in seconds.
const DEADLINE: &str = "1";
/// What outlasts it, in seconds; a shared connection is free again so long after the deadline, that
/// who asks then is not overdue too.
const OVERLONG: f64 = 1.6;
/// Requests for each connection after those that were overdue.
const LATER: usize = 4;

/// One test for each driver.
macro_rules! pools {
    ($($driver:ident),+ $(,)?) => {
        mod no_answer_is_left_behind_in_a_pool_of {
            $(
                #[test]
                fn $driver() {
                    super::no_answer_is_left_behind(stringify!($driver));
                }
            )+
        }
    };
}

pools! {
    psycopg2,
    psycopg3_c,
    psycopg3_python,
    mysqlclient,
    mariadb,
    pymysql,
    sqlalchemy_psycopg2,
    sqlalchemy_pymysql,
    redis_hiredis,
    redis_python,
    requests,
    urllib3,
    httpx,
    pycurl,
    sqlite3,
    grpcio,
}

fn no_answer_is_left_behind(driver: &str) {
    let mut server = launch(driver).args(&["--request-timeout", DEADLINE, "pools.app"]).start();
    if driver == "pymysql" {
        server.expect_errors(); // its SSCursor's __del__ complains about a broken connection
    }
    let pools = Pool::all(&server);
    let faults = on_each(&pools, |pool| pool.fill());
    assert!(faults.is_empty(), "before any deadline:\n{}", faults.join("\n"));
    let sockets = processes::open_sockets(server.worker_pid());
    let faults: Vec<String> = ["before", "within"]
        .into_iter()
        .flat_map(|question| on_each(&pools, |pool| pool.outlast(question)))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    for pool in &pools {
        pool.expect_whole();
    }
    wait::until_true("the sockets of before, and no more", || {
        processes::open_sockets(server.worker_pid()) <= sockets
    });
    server.stop();
}

/// On all at once: most of it is waiting. What was found wrong.
fn on_each(pools: &[Pool], judge: impl Fn(&Pool) -> Vec<String> + Sync) -> Vec<String> {
    thread::scope(|scope| {
        let judge = &judge;
        let threads: Vec<_> =
            pools.iter().map(|pool| (pool, scope.spawn(move || judge(pool)))).collect();
        let join = |(pool, thread): (&Pool, thread::ScopedJoinHandle<'_, Vec<String>>)| {
            thread.join().unwrap_or_else(|_| vec![format!("{}: no answer, see above", pool.name)])
        };
        threads.into_iter().flat_map(join).collect()
    })
}

/// The server to be, with what the driver's pools are connected to.
fn launch(driver: &str) -> Launch {
    let launch = Launch::new(Engine::Coroutine).env("DRIVER", driver);
    match driver {
        "psycopg3_c" => launch.env("PSYCOPG_IMPL", "binary").env(DATABASE, backing::database_url()),
        "psycopg3_python" => {
            launch.env("PSYCOPG_IMPL", "python").env(DATABASE, backing::database_url())
        }
        "psycopg2" | "sqlalchemy_psycopg2" => launch.env(DATABASE, backing::database_url()),
        "mysqlclient" | "mariadb" | "pymysql" | "sqlalchemy_pymysql" => {
            launch.env("MARIADB", backing::mariadb())
        }
        "redis_hiredis" | "redis_python" => {
            launch.env("REDIS", backing::redis()).env("REDIS_SLOW", backing::slow_redis())
        }
        "grpcio" => launch.env("GRPC", backing::slow_grpc()),
        _ => backing::with_upstream(launch),
    }
}

const DATABASE: &str = "DATABASE_URL";

/// One pool of the application.
pub struct Pool<'a> {
    server: &'a Server,
    name: String,
    size: usize,
}

impl<'a> Pool<'a> {
    pub fn all(server: &'a Server) -> Vec<Pool<'a>> {
        let listed = server.get("/ways").text();
        let pool = |line: &str| {
            let (name, size) = line.split_once(' ').expect("a name and a size");
            Pool { server, name: name.to_owned(), size: size.parse().unwrap() }
        };
        listed.lines().map(pool).collect()
    }

    /// So many questions at once as there are connections: it opens them all.
    fn fill(&self) -> Vec<String> {
        let mut clients = self.ask("before", "fill", 0.3);
        clients.iter_mut().filter_map(|asked| asked.fault("before")).collect()
    }

    /// So many questions at once as there are connections, all of them overdue, and then quick ones.
    fn outlast(&self, question: &str) -> Vec<String> {
        let mut faults = Vec::new();
        for mut asked in self.ask(question, question, OVERLONG) {
            let response = asked.client.response();
            // mariadb keeps the GIL while it reads the rest of an answer: where all stand still for that
            // long, the answer is there before anybody can look at the clock.
            let is_late = response.text() == asked.token && self.server.log().contains("BLOCKED");
            if response.status != 504 && !is_late {
                faults.push(format!("{question}: {} {}", response.status, response.text()));
            }
        }
        let mut errors = Vec::new();
        for round in 0..LATER {
            for mut asked in self.ask("ask", &format!("{question}-{round}"), 0.0) {
                let response = asked.client.response();
                match response.status {
                    200 if response.text() == asked.token => {}
                    200 => faults.push(format!("{}: read {}", asked.token, response.text())),
                    status => errors.push(format!("{}: {status} {}", asked.token, response.text())),
                }
            }
        }
        if errors.len() > self.size {
            faults.push(format!("{} errors: {}", errors.len(), errors.join("; ")));
        }
        faults.iter().map(|fault| format!("{} after {question}: {fault}", self.name)).collect()
    }

    /// At rest: each place is there, and the other end has no more connections than places.
    pub fn expect_whole(&self) {
        let path = format!("/{}/state", self.name);
        let mut state = String::new();
        wait::until_true(&format!("{} to be whole", self.name), || {
            let response = self.server.get(&path);
            let numbers = response.text();
            if state != numbers {
                println!("{}: {numbers}", self.name);
                state.clone_from(&numbers);
            }
            let mut numbers = numbers.split(' ').map(str::parse::<usize>);
            response.status == 200
                && numbers.next() == Some(Ok(self.size))
                && numbers.next().is_some_and(|there| there.is_ok_and(|there| there <= self.size))
        });
    }

    fn ask(&self, question: &str, label: &str, seconds: f64) -> Vec<Asked> {
        let ask = |number| {
            let token = format!("{}.{label}.{number}", self.name);
            let path = format!("/{}/{question}?token={token}&for={seconds}", self.name);
            Asked { client: self.server.waiting_client(&path), token }
        };
        (0..self.size).map(ask).collect()
    }
}

/// A client that waits for its token.
struct Asked {
    client: Client,
    token: String,
}

impl Asked {
    fn fault(&mut self, question: &str) -> Option<String> {
        let response = self.client.response();
        let is_right = response.status == 200 && response.text() == self.token;
        (!is_right)
            .then(|| format!("{question} {}: {} {}", self.token, response.status, response.text()))
    }
}
