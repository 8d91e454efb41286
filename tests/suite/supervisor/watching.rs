//! `--reload`: which changes are noticed, by inotify and by looking.

use crate::support::{Engine, Launch, Server, answering, wait};

const HEAD: &str = "\n\ndef app(environ, start_response):\n    start_response('200 OK', [])\n";

/// An application in the scratch directory, under either of the two ways to notice.
fn with_each_watcher(engine: Engine, files: &[(&str, &str)], rule: impl Fn(&Server)) {
    for watcher in ["inotify", "poll"] {
        let launch = Launch::new(engine).args(&["--reload", "--reload-engine", watcher]);
        for (name, text) in files {
            launch.scratch.write(name, text);
        }
        let server = launch.args(&["site_app:app"]).start();
        rule(&server);
        server.stop();
    }
}

each_of! { Sync, Coroutine; fn a_module_that_a_request_imports_is_watched_from_then_on(engine) {
    let app = format!("{HEAD}    from below import late\n    return [late.TEXT]\n");
    let files = [("site_app.py", app.as_str())];
    with_each_watcher(engine, &files, |server| {
        // Not where the application is: nobody has looked there yet.
        std::fs::create_dir(server.scratch.file("below")).unwrap();
        server.scratch.write("below/late.py", "TEXT = b'one'\n");
        assert_eq!(server.get("/").text(), "one");
        // At once, before anybody can have looked.
        server.scratch.write("below/late.py", "TEXT = b'second'\n");
        server.wait_for_text("second");
    });
}}

each_of! { Sync, Coroutine; fn a_module_that_was_missing_is_noticed_when_it_comes(engine) {
    let app = format!(
        "try:\n    from extra import TEXT\nexcept ImportError:\n    TEXT = b'without'\n\
         {HEAD}    return [TEXT]\n"
    );
    with_each_watcher(engine, &[("site_app.py", &app)], |server| {
        assert_eq!(server.get("/").text(), "without");
        server.scratch.write("extra.py", "TEXT = b'a module'\n");
        server.wait_for_text("a module");
        std::fs::remove_file(server.scratch.file("extra.py")).unwrap();
        // A package, with a time from long ago: it has been moved here.
        std::fs::create_dir(server.scratch.file("new")).unwrap();
        let path = server.scratch.write("new/__init__.py", "TEXT = b'a package'\n");
        let file = std::fs::File::options().write(true).open(path).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + wait::PATIENCE).unwrap();
        server.scratch.rename("new", "extra");
        server.wait_for_text("a package");
    });
}}

each_of! { Sync, Coroutine; fn what_changes_while_the_application_is_loaded_is_noticed(engine) {
    let app = format!(
        "import os, time\nfrom notes import note\nfrom part import TEXT\nnote('loading')\n\
         while not os.path.exists(os.path.join(os.environ['SCRATCH'], 'go-on')):\n    \
         time.sleep(0.005)\n{HEAD}    return [TEXT]\n"
    );
    let files = [("site_app.py", app.as_str()), ("part.py", "TEXT = b'one'\n")];
    with_each_watcher(engine, &files, |server| {
        server.wait_for_notes("loading");
        server.scratch.write("part.py", "TEXT = b'second'\n");
        server.scratch.write("go-on", "");
        server.wait_for_text("second");
    });
}}

each_of! { Sync, Coroutine; fn a_module_that_the_application_writes_itself_is_no_change(engine) {
    let app = format!(
        "import os\nwith open(os.path.join(os.path.dirname(__file__), 'made.py'), 'w') as file:\n    \
         file.write('TEXT = b%r' % str(os.getpid()))\nimport made, part\n{HEAD}    return [made.TEXT]\n"
    );
    let files = [("site_app.py", app.as_str()), ("part.py", "")];
    with_each_watcher(engine, &files, |server| {
        let first = server.get("/").text();
        // The next change that is noticed is ours, by the same worker.
        server.scratch.write("part.py", "1\n");
        wait::until_true("another worker", || server.get("/").text() != first);
        let (log, modified) = (server.log(), " modified");
        let reloads: Vec<&str> = log.lines().filter(|line| line.contains(modified)).collect();
        assert!(reloads.len() == 1 && reloads[0].contains("/part.py "), "{reloads:?}");
    });
}}

each_of! { Sync, Coroutine; fn a_new_file_that_a_pattern_stands_for_is_noticed(engine) {
    let app = format!("import os\n{HEAD}    return [str(os.getpid()).encode()]\n");
    for watcher in ["inotify", "poll"] {
        let launch = Launch::new(engine).args(&["--reload", "--reload-engine", watcher]);
        launch.scratch.write("site_app.py", &app);
        let server = launch.args(&["--reload-extra-file", "*.html", "site_app:app"]).start();
        let first = server.get("/").text();
        server.scratch.write("new.html", "");
        wait::until_true("another worker", || server.get("/").text() != first);
        server.stop();
    }
}}

each_of! { Sync, Coroutine, Gthread; fn a_changed_file_is_served_and_a_broken_one_is_shown(engine) {
    let launch = Launch::new(engine);
    launch.scratch.write("site_app.py", &answering("one"));
    let mut server = launch.args(&["--reload", "site_app"]).start();
    server.expect_errors();
    assert_eq!(server.get("/").text(), "one");
    server.scratch.write("site_app.py", &answering("second"));
    server.wait_for_text("second");
    server.scratch.write("site_app.py", "import no_such_module\n");
    wait::until_true("the error to be served", || {
        server.get("/").text().contains("ModuleNotFoundError: No module named 'no_such_module'")
    });
    server.scratch.write("site_app.py", &answering("mended"));
    server.wait_for_text("mended");
    server.stop();
}}

/// Before anybody has looked at the files for the first time.
#[test]
fn a_file_that_is_mended_while_it_fails_to_load_is_served() {
    let launch = Launch::new(Engine::Coroutine).args(&["--reload", "site_app"]);
    let text = answering("mended");
    let broken = format!("open(__file__, 'w').write({text:?})\nimport no_such_module\n");
    launch.scratch.write("site_app.py", &broken);
    let mut server = launch.start();
    server.expect_errors();
    server.wait_for_text("mended");
    server.stop();
}
