//! Every example, run exactly as its README says: the block that starts `unicoro` is started, every
//! other `sh` block is run against it, and must print the `text` block that follows it.
//!
//! Two things differ from a reader's machine: port 8000 is another free port, and the packages come
//! from the suite's virtual environment, so the block that makes one is only compared with it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::deploy::nginx::Nginx;
use crate::support::backing::database_url;
use crate::support::client::{free_addresses, get, wait_for_listener};
use crate::support::{Engine, Launch, Scratch, Server, repository, wait};

/// One fenced block of a README.
struct Block {
    kind: String,
    text: String,
}

/// What a README asks its reader to do.
pub struct Example {
    directory: PathBuf,
    pub address: SocketAddr,
    blocks: Vec<Block>,
}

impl Example {
    pub fn read(name: &str) -> Example {
        let directory = repository().join("examples").join(name);
        let readme = fs::read_to_string(directory.join("README.md")).unwrap();
        let [address] = free_addresses();
        let readme = readme.replace("127.0.0.1:8000", &address.to_string());
        Example { directory, address, blocks: fenced_blocks(&readme) }
    }

    /// Its other application in place of `app:app`.
    pub fn with_app(mut self, app: &str) -> Example {
        self.blocks.iter_mut().for_each(|block| block.text = block.text.replace("app:app", app));
        self
    }

    /// The block that starts the server.
    fn command(&self) -> &str {
        let is_start = |block: &&Block| block.kind == "sh" && block.text.starts_with("unicoro ");
        let mut starts = self.blocks.iter().filter(is_start);
        let command = &starts.next().expect("a block that starts the server").text;
        assert!(starts.next().is_none(), "two blocks start a server");
        command
    }

    /// Starts what the README starts, as its reader's shell would, and waits for the first answer.
    pub fn start(&self) -> Server {
        let launch = Launch::shell(self.command(), &self.directory);
        let server = launch.env("DATABASE_URL", self.database()).start_unbound();
        wait_for_listener(self.address);
        assert_eq!(get(self.address, "/").status, 200);
        server
    }

    /// The same on a unix socket in this directory, and nginx in front of it, which has the static files.
    pub fn start_behind_nginx(&self, directory: &Path) -> (Server, Nginx) {
        let bind = format!("unix:{}", directory.join("app.sock").display());
        let command = self.command().replace(&self.address.to_string(), &bind);
        let server = Launch::shell(&command, &self.directory).start_unbound();
        fs::create_dir(directory.join("static")).unwrap();
        for file in fs::read_dir(self.directory.join("static")).into_iter().flatten().flatten() {
            fs::copy(file.path(), directory.join("static").join(file.file_name())).unwrap();
        }
        let nginx = Nginx::start_on(self.address, directory);
        wait::until_true("nginx to reach the server", || get(self.address, "/").status == 200);
        (server, nginx)
    }

    /// Runs every other block and compares what it prints.
    fn follow(&self) {
        let mut compared = 0;
        for (block, next) in self.blocks.iter().zip(self.blocks.iter().skip(1)) {
            if block.kind == "sh" && next.kind == "text" {
                assert_eq!(run(&block.text, &self.directory), next.text, "of {}", block.text);
                compared += 1;
            }
        }
        assert!(compared > 0, "the README shows no answer");
    }

    fn database(&self) -> &'static str {
        if self.directory.ends_with("flask_postgres") { database_url() } else { "" }
    }
}

fn fenced_blocks(readme: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in readme.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(kind)) => open = Some(Block { kind: kind.to_owned(), text: String::new() }),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => block.text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block has no end");
    blocks
}

/// What a README's commands print.
fn run(commands: &str, directory: &Path) -> String {
    let output = Command::new("bash")
        .args(["-c", commands])
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .expect("bash is installed");
    assert!(output.status.success(), "{commands}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn works_as_its_readme_says(name: &str) {
    let example = Example::read(name);
    let server = example.start();
    assert_eq!(server.engine, Engine::Coroutine);
    example.follow();
    server.stop();
}

#[test]
fn the_first_five_minutes_of_the_readme_work() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let blocks = fenced_blocks(&readme);
    // The two that set everything up by themselves.
    for command in ["examples/try\n", "tests/run\n"] {
        assert!(blocks.iter().any(|block| block.text == command), "{command}");
    }
    let app = blocks.iter().find(|block| block.kind == "python").expect("an application");
    let scratch = Scratch::new();
    scratch.write("app.py", &app.text);
    let mut lines = blocks.iter().flat_map(|block| block.text.lines());
    let start = lines.find_map(|line| line.strip_prefix("v/bin/")?.strip_prefix("unicoro "));
    let [address] = free_addresses();
    let command = format!("unicoro {} -b {address}", start.expect("a line that starts it"));
    let server = Launch::shell(&command, scratch.path()).start_unbound();
    wait_for_listener(address);
    assert_eq!(get(address, "/").text(), "Hello!\n");
    server.stop();
}

#[test]
fn hello_works_as_its_readme_says() {
    works_as_its_readme_says("hello");
}

#[test]
fn fastapi_works_as_its_readme_says() {
    works_as_its_readme_says("fastapi");
}

#[test]
fn flask_works_as_its_readme_says() {
    works_as_its_readme_says("flask");
}

#[test]
fn flask_postgres_works_as_its_readme_says() {
    works_as_its_readme_says("flask_postgres");
}

#[test]
fn long_poll_works_as_its_readme_says() {
    works_as_its_readme_says("long_poll");
}

#[test]
fn sse_works_as_its_readme_says() {
    works_as_its_readme_says("sse");
}

#[test]
fn socketio_works_as_its_readme_says() {
    works_as_its_readme_says("socketio");
}

#[test]
fn chat_works_as_its_readme_says() {
    works_as_its_readme_says("chat");
}

#[test]
fn examples_require_what_the_suite_tests() {
    let ours = fs::read_to_string(repository().join("tests/requirements.txt")).unwrap();
    for example in ["fastapi", "flask", "flask_postgres", "socketio"] {
        let path = repository().join("examples").join(example).join("requirements.txt");
        for line in fs::read_to_string(path).unwrap().lines() {
            // The suite's may be for some versions of Python only, which it says behind a semicolon.
            let is_it = |own: &str| own.split(';').next() == Some(line);
            assert!(ours.lines().any(is_it), "{line} is not what the suite installs");
        }
    }
}

#[test]
fn every_example_has_a_test() {
    let mut names: Vec<String> = fs::read_dir(repository().join("examples"))
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "chat",
            "deploy",
            "fastapi",
            "flask",
            "flask_postgres",
            "hello",
            "long_poll",
            "socketio",
            "sse"
        ],
        "add a test, then the name here"
    );
}
