//! Modules of the application's with names of the standard library's. What gunicorn has imported before it
//! looks into the application's directory is the library's; all else is the application's own.

use crate::support::{Engine, Launch, Server};

const NAMES: [&str; 14] = [
    "ast",
    "dis",
    "inspect",
    "linecache",
    "logging",
    "opcode",
    "random",
    "selectors",
    "socket",
    "textwrap",
    "threading",
    "token",
    "tokenize",
    "traceback",
];

const APP: &str = "import secrets, token
def application(environ, start_response):
    start_response('200 OK', [])
    return [f'{secrets.OWN} {token.__file__}'.encode()]
";

fn launch(engine: Engine) -> Launch {
    let launch = Launch::new(engine).args(&["site_app"]);
    // gunicorn does not start beside these.
    let more = if engine.is_gunicorn() { &[][..] } else { &["glob", "platform"] };
    for name in NAMES.iter().chain(more) {
        launch.scratch.write(&format!("{name}.py"), "raise ImportError('it is another')\n");
    }
    launch.scratch.write("site_app.py", APP);
    launch.scratch.write("secrets.py", "OWN = 'own'\n");
    launch
}

fn serves(server: Server) {
    let text = server.get("/").text();
    assert!(text.starts_with("own /") && text.contains("/lib/python3"), "{text}");
    server.stop();
}

each_of! { Sync, Gthread, Coroutine, GunicornSync, Gunicorn; fn they_are_in_nobodys_way(engine) {
    serves(launch(engine).start());
}}

each_of! { Sync, Coroutine, GunicornSync; fn with_hooks_and_a_logconfig_too(engine) {
    let launch = launch(engine).args(&["-c", "site.conf.py"]);
    launch.scratch.write(
        "site.conf.py",
        "logconfig_dict = {'version': 1}\ndef post_fork(server, worker): pass\ndef worker_exit(server, worker): pass\n",
    );
    serves(launch.start());
}}

#[test]
fn nor_in_that_of_an_asgi_application() {
    let launch = launch(Engine::Coroutine).args(&["--interface", "asgi"]);
    for name in ["asyncio", "concurrent", "contextvars", "http", "subprocess", "queue"] {
        launch.scratch.write(&format!("{name}.py"), "raise ImportError('it is another')\n");
    }
    launch.scratch.write(
        "site_app.py",
        "import secrets
async def application(scope, receive, send):
    if scope['type'] == 'http':
        await send({'type': 'http.response.start', 'status': 200, 'headers': []})
        await send({'type': 'http.response.body', 'body': secrets.OWN.encode()})
",
    );
    let server = launch.start();
    assert_eq!(server.get("/").text(), "own");
    server.stop();
}
