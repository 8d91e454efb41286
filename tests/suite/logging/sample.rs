//! An application with its config file, three requests, and the lines that they leave: what the
//! tests of Python's logging compare with gunicorn's.

use crate::support::{Engine, Launch, Server, wait};

pub const APP: &str = r#"
def app(environ, start_response):
    if environ["PATH_INFO"] == "/boom":
        raise ValueError("no")
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Out", "o")])
    return [b"hello"]
"#;

/// What a config file says of the line, without times.
pub const FORMAT: &str = "access_log_format = '%(h)s %(l)s %(u)s \"%(r)s\" %(m)s %(U)s %(q)s %(H)s %(s)s %(b)s \
    %(B)s %(f)s %(a)s %(T)s %({X-In}i)s %({content-type}o)s %({request_method}e)s'\n";

pub const DICT: &str = "logconfig_dict = {'version': 1, 'formatters': {'named': {'format': \
    '%(name)s|%(levelname)s|%(message)s'}}, 'handlers': {'console': {'class': \
    'logging.StreamHandler'}, 'error_console': {'class': 'logging.StreamHandler'}, 'own': \
    {'class': 'logging.FileHandler', 'filename': 'own', 'formatter': 'named'}}, 'loggers': \
    {'gunicorn.access': {'handlers': ['own'], 'level': 'INFO', 'propagate': False}, \
    'gunicorn.error': {'handlers': ['own'], 'level': 'INFO', 'propagate': False}}}\n";

/// `conf` as gunicorn.conf.py, and the application above as `said:app`; `more` comes before it.
pub fn launch(engine: Engine, conf: &str, more: &str) -> Launch {
    let launch = Launch::new(engine).args(&["said:app"]);
    launch.scratch.write("gunicorn.conf.py", conf);
    launch.scratch.write("said.py", &format!("{more}\n{APP}"));
    launch
}

/// Three requests: plain, with fields, and one that the application fails at.
pub fn ask(server: &mut Server) {
    server.expect_errors();
    assert_eq!(server.get("/health").status, 200);
    let request = "GET /a%20b?c=d HTTP/1.1\r\nHost: x\r\nX-In: i\"n\r\nReferer: http://r/\r\n\
                   User-Agent: suite/1\r\nAuthorization: Basic YWxhZGRpbjpzZXNhbWU=\r\n\
                   Connection: close\r\n\r\n";
    assert!(server.exchange(request).starts_with("HTTP/1.1 200"));
    assert_eq!(server.get("/boom").status, 500);
}

/// The lines of a file once there are as many, those that contain `text`, sorted: threads write them.
pub fn lines(server: &Server, file: &str, text: &str, count: usize) -> Vec<String> {
    wait::until(&format!("{count} lines of {text:?} in {file}"), wait::PATIENCE, || {
        let content = server.scratch.read(file);
        // gunicorn has no path for a request that the application failed at.
        let shown = |line: &str| line.replace("GET None", "GET /boom");
        let mut found: Vec<String> =
            content.lines().filter(|line| line.contains(text)).map(shown).collect();
        found.sort();
        (found.len() >= count && content.ends_with('\n')).then_some(found)
    })
}
