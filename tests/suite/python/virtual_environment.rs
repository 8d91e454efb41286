//! The active virtual environment is the app's, whatever Python the binary was built against.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Engine, Launch, Server, binary, virtual_environment};

/// A virtual environment with one module of its own, made by the suite's own interpreter.
fn make_environment(path: &Path) {
    let python = virtual_environment().join("bin/python3");
    let made = Command::new(python).args(["-m", "venv", "--without-pip"]).arg(path).status();
    assert!(made.expect("python3 can be run").success());
    let mut libraries = std::fs::read_dir(path.join("lib")).unwrap().flatten();
    let library: PathBuf = libraries.next().expect("lib/python3.x").path();
    let module = library.join("site-packages/only_in_this_environment.py");
    std::fs::write(module, "MARKER = 'found'\n").unwrap();
}

/// Whether `VIRTUAL_ENV` has a say. A wheel runs in the interpreter of the environment that it is in.
fn is_heeded() -> bool {
    if binary::is_wheel() {
        println!("skipped: the wheel serves in the environment that it is installed in");
    }
    !binary::is_wheel()
}

fn assert_in(server: &Server, environment: &Path) {
    let text = server.get("/").text();
    let prefix = environment.display();
    assert!(text.contains(&format!("prefix={prefix}\n")), "{text}");
    assert!(text.contains(&format!("executable={prefix}/bin/python")), "{text}");
    assert!(text.contains("marker=found\n"), "{text}");
}

each_of! { Sync, Coroutine; fn virtual_env_names_the_environment(engine) {
    if !is_heeded() {
        return;
    }
    let launch = Launch::new(engine).args(&["interpreter"]);
    let environment = launch.scratch.file("environment");
    make_environment(&environment);
    let server = launch.env("VIRTUAL_ENV", &environment).start();
    assert_in(&server, &environment);
    server.stop();
}}

#[test]
fn log_version_and_print_config_name_python_and_environment() {
    if !is_heeded() {
        return;
    }
    let launch = Launch::new(Engine::Sync).args(&["hello"]);
    let environment = launch.scratch.file("environment");
    make_environment(&environment);
    let server = launch.env("VIRTUAL_ENV", &environment).start();
    server.get("/");
    let log = server.log();
    let named = log
        .lines()
        .find_map(|line| line.split_once("Using CPython "))
        .expect("a line of the log")
        .1;
    let (version, path) = named.split_once(", ").expect("a version and a path");
    assert!(version.starts_with("3."), "{version}");
    assert_eq!(Path::new(path), environment);
    for flag in ["--version", "--print-config"] {
        let launch = Launch::new(Engine::Sync).args(&[flag, "hello"]);
        let mut asked = launch.env("VIRTUAL_ENV", &environment).start_unbound();
        assert_eq!(asked.exit_code(), 0, "{}", asked.log());
        let shown = asked.scratch.read("stdout");
        assert!(shown.lines().next().unwrap().contains(&format!("CPython {named}")), "{shown}");
    }
    server.stop();
}

#[test]
fn environment_of_another_python_is_refused_with_both_versions() {
    if !is_heeded() {
        return;
    }
    let launch = Launch::new(Engine::Sync).args(&["interpreter"]);
    let environment = launch.scratch.file("environment");
    make_environment(&environment);
    let about = environment.join("pyvenv.cfg");
    let text = std::fs::read_to_string(&about).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with("version"));
    let other: String = lines.map(|line| format!("{line}\n")).collect();
    std::fs::write(&about, other + "version = 3.2.5\n").unwrap();
    let library = std::fs::read_dir(environment.join("lib")).unwrap().flatten().next().unwrap();
    std::fs::rename(library.path(), environment.join("lib/python3.2")).unwrap();

    let mut server = launch.env("VIRTUAL_ENV", &environment).start();
    assert_eq!(server.exit_code(), 1);
    let log = server.log();
    for word in ["3.2", "PYO3_PYTHON"] {
        assert!(log.contains(word), "no {word:?} in:\n{log}");
    }
}

#[test]
fn a_python_that_the_user_may_not_read_is_refused_with_the_directory_that_is_closed() {
    if !is_heeded() {
        return;
    }
    if !nix::unistd::geteuid().is_root() {
        println!("skipped: only root may become another user");
        return;
    }
    let launch = Launch::new(Engine::Sync).args(&["--user", "nobody", "interpreter"]);
    let closed = launch.scratch.file("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
    let environment = closed.join("environment");
    make_environment(&environment);
    let mut server = launch.env("VIRTUAL_ENV", &environment).start();
    assert_eq!(server.exit_code(), 1);
    let log = server.log();
    let words = format!("may not enter {}, where Python's", closed.display());
    assert!(log.contains(&words) && !log.contains("there is no bin/python3"), "{log}");
    assert!(!log.contains("path configuration"), "{log}");
}
