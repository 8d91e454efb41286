//! examples/deploy: what can be run here is run.

use std::fs;

use crate::support::{Engine, Launch, repository};

pub fn example(name: &str) -> String {
    fs::read_to_string(repository().join("examples/deploy").join(name)).unwrap()
}

#[test]
fn both_config_files_serve() {
    for name in ["gunicorn.minimal.conf.py", "gunicorn.full.conf.py"] {
        let launch = Launch::new(Engine::Coroutine).env("WEB_CONCURRENCY", "2");
        launch.scratch.write(name, &example(name));
        let server = launch.args(&["-c", name, "-w", "2", "hello:app"]).start();
        assert_eq!(server.get("/").status, 200, "{name}");
        server.stop();
    }
}
