//! `--spew`: each line of Python is printed before it runs.

use crate::support::Launch;

each_of! { Sync, Gthread, Coroutine, GunicornSync;
fn spew_prints_each_line_of_python_that_runs(engine) {
    let launch = Launch::new(engine).env("PYTHONUNBUFFERED", "1").args(&["--spew", "spewed:app"]);
    launch.scratch.write(
        "spewed.py",
        "import threading\n\n\ndef work():\n    return 'work'\n\n\n\
         def app(environ, start_response):\n    thread = threading.Thread(target=work)\n    \
         thread.start()\n    thread.join()\n    start_response('200 OK', [])\n    return []\n",
    );
    let server = launch.start();
    // Twice, as with another green thread or thread.
    for _ in 0..2 {
        assert_eq!(server.get("/").status, 200);
    }
    let printed = server.scratch.read("stdout");
    let count = |line: &str| printed.lines().filter(|printed| *printed == line).count();
    assert_eq!(count("spewed:1: import threading"), 1, "{printed}");
    assert_eq!(count("spewed:11:     thread.join()"), 2, "{printed}");
    // gunicorn: not the threads that the application starts.
    assert_eq!(count("spewed:5:     return 'work'"), if engine.is_gunicorn() { 0 } else { 2 });
    server.stop();
}}
