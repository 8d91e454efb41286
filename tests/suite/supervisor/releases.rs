//! A release behind a symlink: the link is switched, and a reload or an upgrade serves what it
//! leads to now. The directory of the start is known by the name under which the shell had entered
//! it.

use std::os::unix::fs::symlink;

use nix::sys::signal::Signal;

use crate::support::{Engine, Launch, Server, processes, wait};

/// Two releases, each with an application and a config file that say which, and `current` for the first.
fn deployed(engine: Engine) -> Launch {
    let launch = Launch::new(engine);
    for release in ["one", "two"] {
        std::fs::create_dir(launch.scratch.file(release)).unwrap();
        let application = format!(
            "import os\nfrom notes import plain\n\n\ndef application(environ, start_response):\n    \
                 said = ' '.join(('{release}', os.environ.get('CONFIG', ''), os.getcwd()))\n    \
                 return plain(start_response, said)\n"
        );
        launch.scratch.write(&format!("{release}/released.py"), &application);
        launch.scratch.write(&format!("{release}/name"), release);
    }
    symlink("one", launch.scratch.file("current")).unwrap();
    launch
}

/// By a shell that has entered the release by the link.
fn entered(launch: Launch) -> Launch {
    launch.inside_of(|_| words("cd current && exec \"$@\""))
}

fn words(line: &str) -> Vec<String> {
    ["bash", "-c", line, "bash"].map(str::to_owned).to_vec()
}

/// Now `current` leads to the second release, without a moment in which it leads nowhere.
fn switch(server: &Server) {
    symlink("two", server.scratch.file("next")).unwrap();
    server.scratch.rename("next", "current");
}

fn wait_for(server: &Server, words: &str) {
    wait::until_true(&format!("{words} to serve"), || server.get("/").text().starts_with(words));
}

each_of! { Sync, Gthread, Coroutine, Gunicorn; fn a_reload_serves_what_the_link_leads_to(engine) {
    let server = entered(deployed(engine)).args(&["-p", "pid", "released"]).start();
    wait_for(&server, "one ");
    switch(&server);
    server.signal(Signal::SIGHUP);
    wait::until_true("the second release to serve in its own directory", || {
        let said = server.get("/").text();
        said.starts_with("two ") && said.ends_with("/two")
    });
    wait::until_true("the pid file in the new release", || {
        server.scratch.read("two/pid").trim() == server.pid().to_string()
    });
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn a_reload_reads_the_config_file_that_the_link_leads_to(engine) {
    let launch = deployed(engine);
    for release in ["one", "two"] {
        // It reads beside itself, by a relative path.
        let file = format!("{release}/gunicorn.conf.py");
        launch.scratch.write(&file, "raw_env = ['CONFIG=' + open('name').read()]\n");
    }
    let server = entered(launch).args(&["released"]).start();
    wait_for(&server, "one one ");
    switch(&server);
    server.signal(Signal::SIGHUP);
    wait_for(&server, "two two ");
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn chdir_to_a_link_is_followed_anew_by_a_reload(engine) {
    let server = deployed(engine).args(&["--chdir", "current", "released"]).start();
    wait_for(&server, "one ");
    switch(&server);
    server.signal(Signal::SIGHUP);
    wait_for(&server, "two ");
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn an_upgrade_serves_what_the_link_leads_to(engine) {
    let launch = deployed(engine);
    let pidfile = launch.scratch.file("pid").display().to_string();
    let server = entered(launch).args(&["-p", &pidfile, "released"]).start_by_itself();
    wait_for(&server, "one ");
    switch(&server);
    server.signal(Signal::SIGUSR2);
    let second = server.pid_in("pid.2");
    wait::until_true("workers of the new master", || !processes::children(second).is_empty());
    server.signal(Signal::SIGTERM);
    wait_for(&server, "two ");
    processes::signal(second, Signal::SIGTERM);
    if !engine.is_gunicorn() {
        server.end_of_stop();
    }
}}

// A PWD that is another directory's was left over by somebody.
each_of! { Sync, Coroutine, Gunicorn; fn a_pwd_that_is_not_the_working_directory_counts_for_nothing(engine) {
    for wrong in ["/", "/no/such/directory", "."] {
        let launch = deployed(engine).inside_of(|_| words(&format!("cd current && PWD={wrong} exec \"$@\"")));
        let server = launch.args(&["released"]).start();
        wait_for(&server, "one ");
        server.stop();
    }
}}
