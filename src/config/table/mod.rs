//! The table of settings: one row each. Data only.
//!
//! Command line, config file, `GUNICORN_CMD_ARGS`, `--print-config` and `--help` all come from
//! here. The rule: a row is added together with what it does; a flag that parses and does nothing
//! is a defect. Names, flags and defaults are gunicorn's (GUNICORN.md, section 1), the texts ours.

pub mod gunicorn;
pub mod setting;

use setting::{EnvDefault, Kind, Preset, Section, Setting, Spelling, Support};

/// Most workers: one slot each in shared memory, and far above any machine's cores. During a reload there
/// are twice as many, and former ones may take their time to leave.
pub const MAX_WORKERS: usize = 1024;
const MOST_WORKERS: i64 = MAX_WORKERS as i64;
/// Most threads of one worker: each has 8 MiB of addresses for its stack.
const MAX_THREADS: i64 = 16_384;
/// Most connections of one worker: beyond any fd limit that Linux grants by default.
const MAX_CONNECTIONS: i64 = 1_048_576;
/// Longest duration, in seconds: 68 years, so that a deadline always fits its clock.
const MAX_SECONDS: i64 = i32::MAX as i64;
/// Longest queue that listen(2) can be told.
const MAX_BACKLOG: i64 = i32::MAX as i64;
/// Smallest green-thread stack: a Flask job alone was measured at up to 110 KiB.
const MIN_STACK_BYTES: i64 = 128 << 10;
/// Largest green-thread stack: 1,000 of them still fit in the address space.
const MAX_STACK_BYTES: i64 = 1 << 30;
/// More OS threads than a worker could use.
const MAX_CARRIERS: i64 = 256;
/// Longest slice: a minute is no slice any more.
const MAX_SLICE_MILLIS: i64 = 60_000;
/// A page; the stack pool reuses only whole ones.
const PAGE_BYTES: i64 = 4096;

const SECONDS: Kind = Kind::Int { min: 0, max: MAX_SECONDS };
const COUNT: Kind = Kind::Int { min: 0, max: i64::MAX };

/// What most rows share; each row names what it changes.
const ROW: Setting = Setting {
    name: "",
    section: Section::App,
    spelling: Spelling::FileOnly,
    metavar: "",
    kind: Kind::Text,
    default: Preset::None,
    default_on_coroutine: None,
    env: None,
    reloadable: true,
    support: Support::Works,
    doc: "",
};

const fn flag(long: &'static [&'static str]) -> Spelling {
    Spelling::Flag { short: None, long }
}

const fn short_flag(short: char, long: &'static [&'static str]) -> Spelling {
    Spelling::Flag { short: Some(short), long }
}

/// The most that a body may be limited to: 1 PiB, so that sums never overflow.
const MAX_BODY_BYTES: i64 = 1 << 50;
const BODY_BYTES: Kind = Kind::Bytes { min: 0, max: MAX_BODY_BYTES, multiple: 1 };

/// What a row of a leniency switch shares with the others.
const LENIENCY: Setting =
    Setting { section: Section::Limits, kind: Kind::Flag, default: Preset::Bool(false), ..ROW };

/// What the rows share that ask for TLS. A server that was configured for it must not speak plain HTTP instead.
const TLS: Setting = Setting {
    section: Section::Listening,
    support: Support::Refused {
        alternative: "the server speaks plain HTTP only: leave this out, and let nginx or another \
                      proxy in front speak TLS",
    },
    ..ROW
};

/// What the rows share that only say how to speak TLS: without a certificate gunicorn speaks plain HTTP.
const TLS_DETAIL: Setting = Setting {
    section: Section::Listening,
    support: Support::Accepted { why: "the server speaks plain HTTP only" },
    ..ROW
};

/// The log levels, from most to least; and a name that gunicorn passes over, and takes for info.
pub const LOG_LEVELS: &[&str] = &["debug", "info", "warning", "warn", "error", "critical"];

/// Every setting, in the order of the help within its section.
pub static TABLE: &[Setting] = &[
    Setting {
        name: "wsgi_app",
        section: Section::App,
        spelling: Spelling::Argument,
        metavar: "APP",
        doc: "The WSGI application as MODULE or MODULE:VARIABLE; the variable is `application` \
              unless given, and may be a call such as create_app(\"prod\"). In a config file the \
              name is wsgi_app; the command line wins.",
        ..ROW
    },
    Setting {
        name: "config",
        section: Section::App,
        spelling: short_flag('c', &["config"]),
        metavar: "FILE",
        default: Preset::Str("./gunicorn.conf.py"),
        reloadable: false,
        doc: "The config file, run as Python: PATH, file:PATH or python:MODULE. The default is \
              read only if it exists. It is run again at each reload.",
        ..ROW
    },
    Setting {
        name: "chdir",
        section: Section::App,
        spelling: flag(&["chdir"]),
        metavar: "DIR",
        default: Preset::StartDirectory,
        doc: "Change to this directory before the application is loaded. The default config file \
              is looked up before that.",
        ..ROW
    },
    Setting {
        name: "pythonpath",
        section: Section::App,
        spelling: flag(&["pythonpath"]),
        metavar: "DIRS",
        kind: Kind::Csv,
        doc: "Directories, with commas between them, that are put in front of sys.path; the last is \
              searched first. Behind them come chdir and the directory of the start.",
        ..ROW
    },
    Setting {
        name: "raw_env",
        section: Section::App,
        spelling: short_flag('e', &["env"]),
        metavar: "KEY=VALUE",
        kind: Kind::Pairs,
        default: Preset::List(&[]),
        doc: "Sets an environment variable for the application. Can be given more than once.",
        ..ROW
    },
    Setting {
        name: "preload_app",
        section: Section::App,
        spelling: flag(&["preload"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        reloadable: false,
        doc: "Load the application once, before the workers are forked. They share its memory, \
              and new code needs a restart instead of a reload.",
        ..ROW
    },
    Setting {
        name: "reload",
        section: Section::App,
        spelling: flag(&["reload"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        doc: "Replace the workers whenever a file of the application changes, or a module \
              appears in its folders; for development. An application that does not load is shown as a traceback in \
              the browser until it is mended. preload_app has no effect then.",
        ..ROW
    },
    Setting {
        name: "reload_engine",
        section: Section::App,
        spelling: flag(&["reload-engine"]),
        metavar: "NAME",
        kind: Kind::Choice(&["auto", "poll", "inotify"]),
        default: Preset::Str("auto"),
        doc: "How changes are noticed: inotify, at once; poll, every second; auto, inotify \
              where it is to be had.",
        ..ROW
    },
    Setting {
        name: "reload_extra_files",
        section: Section::App,
        spelling: flag(&["reload-extra-file"]),
        metavar: "FILE",
        kind: Kind::List,
        default: Preset::List(&[]),
        doc: "Watch this file as well, such as a template; * and ** stand for any. Can be \
              given more than once.",
        ..ROW
    },
    Setting {
        name: "sendfile",
        section: Section::App,
        spelling: flag(&["no-sendfile"]),
        kind: Kind::FlagOff,
        env: Some(EnvDefault { variable: "SENDFILE", prefix: "" }),
        doc: "Whether wsgi.file_wrapper sends real files with sendfile(2). On, unless this \
              flag or SENDFILE=no turns it off.",
        ..ROW
    },
    Setting {
        name: "paste",
        section: Section::App,
        spelling: flag(&["paste", "paster"]),
        metavar: "FILE",
        support: Support::Refused {
            alternative: "write a module that calls paste.deploy.loadapp, and name it as MODULE:VARIABLE",
        },
        doc: "A PasteDeploy file; not supported.",
        ..ROW
    },
    Setting {
        name: "raw_paste_global_conf",
        section: Section::App,
        spelling: flag(&["paste-global"]),
        metavar: "KEY=VALUE",
        kind: Kind::List,
        default: Preset::List(&[]),
        support: Support::Refused {
            alternative: "write a module that calls paste.deploy.loadapp, and name it as MODULE:VARIABLE",
        },
        doc: "Values for a PasteDeploy file; not supported.",
        ..ROW
    },
    Setting {
        name: "bind",
        section: Section::Listening,
        spelling: short_flag('b', &["bind"]),
        metavar: "ADDRESS",
        kind: Kind::List,
        default: Preset::List(&["127.0.0.1:8000"]),
        env: Some(EnvDefault { variable: "PORT", prefix: "0.0.0.0:" }),
        doc: "Where to listen: HOST, HOST:PORT, [IPV6]:PORT, unix:PATH, unix:@NAME or fd://N. Can \
              be given more than once.",
        ..ROW
    },
    Setting {
        name: "backlog",
        section: Section::Listening,
        spelling: flag(&["backlog"]),
        metavar: "N",
        kind: Kind::Int { min: 1, max: MAX_BACKLOG },
        default: Preset::Int(2048),
        reloadable: false,
        doc: "How many connections the kernel may queue for each address until a worker accepts \
              them. net.core.somaxconn is the upper bound.",
        ..ROW
    },
    Setting {
        name: "umask",
        section: Section::Listening,
        spelling: short_flag('m', &["umask"]),
        metavar: "MODE",
        kind: Kind::Mode,
        default: Preset::Int(0),
        reloadable: false,
        doc: "Permission bits that are taken away from the unix sockets' files, e.g. 0o007.",
        ..ROW
    },
    Setting {
        name: "reuse_port",
        section: Section::Listening,
        spelling: flag(&["reuse-port"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        reloadable: false,
        doc: "Let each worker listen on TCP addresses with a socket of its own \
              (SO_REUSEPORT), among which the kernel spreads connections. A client that \
              connects to a worker that is just ending comes to another one a second later.",
        ..ROW
    },
    Setting {
        name: "certfile",
        spelling: flag(&["certfile"]),
        metavar: "FILE",
        doc: "The server's certificate for TLS; not supported.",
        ..TLS
    },
    Setting {
        name: "keyfile",
        spelling: flag(&["keyfile"]),
        metavar: "FILE",
        doc: "The key of that certificate; not supported.",
        ..TLS
    },
    Setting {
        name: "ca_certs",
        spelling: flag(&["ca-certs"]),
        metavar: "FILE",
        doc: "Whose certificates clients may have.",
        ..TLS_DETAIL
    },
    Setting {
        name: "cert_reqs",
        spelling: flag(&["cert-reqs"]),
        metavar: "N",
        kind: COUNT,
        default: Preset::Int(0),
        doc: "Whether clients need a certificate.",
        ..TLS_DETAIL
    },
    Setting {
        name: "ciphers",
        spelling: flag(&["ciphers"]),
        metavar: "NAMES",
        doc: "The ciphers of TLS.",
        ..TLS_DETAIL
    },
    Setting {
        name: "ssl_version",
        spelling: flag(&["ssl-version"]),
        metavar: "NAME",
        kind: Kind::NameOrId,
        // ssl.PROTOCOL_TLS
        default: Preset::Str("2"),
        doc: "The version of TLS.",
        ..TLS_DETAIL
    },
    Setting {
        name: "suppress_ragged_eofs",
        spelling: flag(&["suppress-ragged-eofs"]),
        kind: Kind::Flag,
        default: Preset::Bool(true),
        doc: "Whether a client may end TLS without saying so.",
        ..TLS_DETAIL
    },
    Setting {
        name: "do_handshake_on_connect",
        spelling: flag(&["do-handshake-on-connect"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        doc: "Whether TLS begins as soon as a client has connected.",
        ..TLS_DETAIL
    },
    Setting {
        name: "workers",
        section: Section::Workers,
        spelling: short_flag('w', &["workers"]),
        metavar: "N",
        kind: Kind::Int { min: 1, max: MOST_WORKERS },
        default: Preset::Int(1),
        env: Some(EnvDefault { variable: "WEB_CONCURRENCY", prefix: "" }),
        doc: "How many worker processes serve requests.",
        ..ROW
    },
    Setting {
        name: "worker_class",
        section: Section::Workers,
        spelling: short_flag('k', &["worker-class"]),
        metavar: "NAME",
        default: Preset::Str("sync"),
        doc: "How a worker runs requests: sync, one at a time; gthread, on a pool of threads; or \
              coroutine, thousands at once on green threads. gevent and eventlet are taken as \
              coroutine.",
        ..ROW
    },
    Setting {
        name: "threads",
        section: Section::Workers,
        spelling: flag(&["threads"]),
        metavar: "N",
        kind: Kind::Int { min: 1, max: MAX_THREADS },
        default: Preset::Int(1),
        doc: "How many threads of a gthread worker run requests. With more than 1, sync becomes \
              gthread.",
        ..ROW
    },
    Setting {
        name: "worker_connections",
        section: Section::Workers,
        spelling: flag(&["worker-connections"]),
        metavar: "N",
        kind: Kind::Int { min: 1, max: MAX_CONNECTIONS },
        default: Preset::Int(1000),
        doc: "How many clients one worker has at the same time. When there are as many, the one \
              that has been idle or slow the longest is closed for a new one.",
        ..ROW
    },
    Setting {
        name: "requests_in_progress",
        section: Section::Workers,
        spelling: flag(&["requests-in-progress"]),
        metavar: "N",
        kind: Kind::Int { min: 0, max: MAX_CONNECTIONS },
        default: Preset::Int(0),
        doc: "How many requests of one worker are in progress at once; others wait for their turn, \
              without a green thread, and connections that are idle are not counted. 0 means as many \
              as there are. For whatever bears only so many: a database role with a limit of \
              connections. On gthread it counts if it is less than threads; sync serves one request \
              at a time anyway.",
        ..ROW
    },
    Setting {
        name: "coroutine_stack_size",
        section: Section::Workers,
        spelling: flag(&["coroutine-stack-size"]),
        metavar: "BYTES",
        kind: Kind::Bytes { min: MIN_STACK_BYTES, max: MAX_STACK_BYTES, multiple: PAGE_BYTES },
        default: Preset::Int(8 << 20),
        doc: "Address space for the stack of a green thread, in bytes or with the suffix K or M; \
              a multiple of 4K. Memory is used only for what the stack really touches.",
        ..ROW
    },
    Setting {
        name: "switch_interval",
        section: Section::Workers,
        spelling: flag(&["switch-interval"]),
        metavar: "MILLISECONDS",
        kind: Kind::Int { min: 0, max: MAX_SLICE_MILLIS },
        default: Preset::Int(10),
        doc: "On the coroutine engine: milliseconds of processor time that a request may compute \
              in Python before it lets the others run; 0 turns that off. A C call is never \
              interrupted; see carriers.",
        ..ROW
    },
    Setting {
        name: "carriers",
        section: Section::Workers,
        spelling: flag(&["carriers"]),
        metavar: "N",
        kind: Kind::Int { min: 1, max: MAX_CARRIERS },
        default: Preset::Int(8),
        doc: "On the coroutine engine: OS threads that the green threads of a worker may run on. \
              One of them runs all; when C code of a request has computed without the GIL (a \
              password hash, zlib, a long SQLite query) or waited out of unicoro's sight for a \
              switch_interval, another goes on with the rest, beside it. So N - 1 such calls \
              at a time stop nobody; with 1 each of them stops the others.",
        ..ROW
    },
    Setting {
        name: "blocked_after",
        section: Section::Workers,
        spelling: flag(&["blocked-after"]),
        metavar: "SECONDS",
        kind: SECONDS,
        default: Preset::Int(1),
        doc: "On the coroutine engine: when no green thread has been switched for this many \
              seconds, the log names the request that is to blame, with its Python stack; 0 \
              turns that off.",
        ..ROW
    },
    Setting {
        name: "max_requests",
        section: Section::Workers,
        spelling: flag(&["max-requests"]),
        metavar: "N",
        kind: COUNT,
        default: Preset::Int(0),
        doc: "Replace a worker after this many requests; 0 means never.",
        ..ROW
    },
    Setting {
        name: "max_requests_jitter",
        section: Section::Workers,
        spelling: flag(&["max-requests-jitter"]),
        metavar: "N",
        kind: COUNT,
        default: Preset::Int(0),
        doc: "Adds a random number from 0 to this to max_requests for each worker, so that they \
              are not all replaced at once.",
        ..ROW
    },
    Setting {
        name: "timeout",
        section: Section::Workers,
        spelling: short_flag('t', &["timeout"]),
        metavar: "SECONDS",
        kind: SECONDS,
        default: Preset::Int(30),
        doc: "A worker that gives no sign of life for this many seconds is killed and replaced; 0 \
              turns that off.",
        ..ROW
    },
    Setting {
        name: "request_timeout",
        section: Section::Workers,
        spelling: flag(&["request-timeout"]),
        metavar: "SECONDS",
        kind: Kind::Seconds { max: MAX_SECONDS },
        default: Preset::Int(0),
        doc: "On the coroutine engine: seconds, with a fraction or without, after which a \
              request is answered 504 and unicoro.RequestTimeout raised in the application; 0 \
              sets no limit. The other engines cannot interrupt a request: there it has no \
              effect.",
        ..ROW
    },
    Setting {
        name: "graceful_timeout",
        section: Section::Workers,
        spelling: flag(&["graceful-timeout"]),
        metavar: "SECONDS",
        kind: SECONDS,
        default: Preset::Int(30),
        doc: "Seconds that running requests get to end on a stop or a reload. Connections without \
              a request in progress are closed when they have been idle for a second, or half of \
              this.",
        ..ROW
    },
    Setting {
        name: "keepalive",
        section: Section::Workers,
        spelling: flag(&["keep-alive"]),
        metavar: "SECONDS",
        kind: SECONDS,
        default: Preset::Int(2),
        // gunicorn: 2 s everywhere, which answers 502 behind load balancers that keep connections
        // for 60 s (GUNICORN.md, section 6, item 5). An idle connection costs nothing here.
        default_on_coroutine: Some(Preset::Int(75)),
        doc: "Seconds that an idle connection is kept for the client's next request.",
        ..ROW
    },
    Setting {
        name: "asgi_loop",
        section: Section::Workers,
        spelling: flag(&["asgi-loop"]),
        metavar: "NAME",
        default: Preset::Str("auto"),
        support: Support::Accepted { why: "ASGI is not served" },
        doc: "The event loop of ASGI workers; without effect.",
        ..ROW
    },
    Setting {
        name: "asgi_lifespan",
        section: Section::Workers,
        spelling: flag(&["asgi-lifespan"]),
        metavar: "MODE",
        default: Preset::Str("auto"),
        support: Support::Accepted { why: "ASGI is not served" },
        doc: "The lifespan protocol of ASGI workers; without effect.",
        ..ROW
    },
    Setting {
        name: "asgi_disconnect_grace_period",
        section: Section::Workers,
        spelling: flag(&["asgi-disconnect-grace-period"]),
        metavar: "SECONDS",
        kind: SECONDS,
        default: Preset::Int(3),
        support: Support::Accepted { why: "ASGI is not served" },
        doc: "What ASGI requests get after their client has left; without effect.",
        ..ROW
    },
    Setting {
        name: "root_path",
        section: Section::Workers,
        spelling: flag(&["root-path"]),
        metavar: "PATH",
        support: Support::Accepted { why: "ASGI is not served" },
        doc: "The root_path of ASGI applications; without effect.",
        ..ROW
    },
    Setting {
        name: "websocket_max_message_size",
        section: Section::Workers,
        spelling: flag(&["websocket-max-message-size"]),
        metavar: "BYTES",
        kind: COUNT,
        default: Preset::Int(0),
        support: Support::Accepted { why: "ASGI is not served" },
        doc: "The largest WebSocket message of ASGI workers; without effect.",
        ..ROW
    },
    Setting {
        name: "dirty_apps",
        section: Section::Workers,
        spelling: flag(&["dirty-app"]),
        metavar: "APP",
        kind: Kind::List,
        default: Preset::List(&[]),
        support: Support::Refused {
            alternative: "run a task queue beside the server, such as Celery or RQ",
        },
        doc: "A setting of gunicorn's second pool of workers; not supported.",
        ..ROW
    },
    Setting {
        name: "dirty_workers",
        section: Section::Workers,
        spelling: flag(&["dirty-workers"]),
        metavar: "N",
        kind: COUNT,
        default: Preset::Int(0),
        support: Support::Refused {
            alternative: "run a task queue beside the server, such as Celery or RQ",
        },
        doc: "A setting of gunicorn's second pool of workers; not supported.",
        ..ROW
    },
    Setting {
        name: "dirty_timeout",
        section: Section::Workers,
        spelling: flag(&["dirty-timeout"]),
        metavar: "SECONDS",
        kind: SECONDS,
        default: Preset::Int(300),
        support: Support::Refused {
            alternative: "run a task queue beside the server, such as Celery or RQ",
        },
        doc: "A setting of gunicorn's second pool of workers; not supported.",
        ..ROW
    },
    Setting {
        name: "dirty_threads",
        section: Section::Workers,
        spelling: flag(&["dirty-threads"]),
        metavar: "N",
        kind: COUNT,
        default: Preset::Int(1),
        support: Support::Refused {
            alternative: "run a task queue beside the server, such as Celery or RQ",
        },
        doc: "A setting of gunicorn's second pool of workers; not supported.",
        ..ROW
    },
    Setting {
        name: "dirty_graceful_timeout",
        section: Section::Workers,
        spelling: flag(&["dirty-graceful-timeout"]),
        metavar: "SECONDS",
        kind: SECONDS,
        default: Preset::Int(30),
        support: Support::Refused {
            alternative: "run a task queue beside the server, such as Celery or RQ",
        },
        doc: "A setting of gunicorn's second pool of workers; not supported.",
        ..ROW
    },
    Setting {
        name: "limit_request_line",
        section: Section::Limits,
        spelling: flag(&["limit-request-line"]),
        metavar: "BYTES",
        kind: Kind::Capped { cap: 8190 },
        default: Preset::Int(4094),
        doc: "Longest request line in bytes, at most 8190; 0 means no limit of its own.",
        ..ROW
    },
    Setting {
        name: "limit_request_fields",
        section: Section::Limits,
        spelling: flag(&["limit-request-fields"]),
        metavar: "N",
        kind: Kind::Capped { cap: 32_768 },
        default: Preset::Int(100),
        doc: "Most header fields of one request, at most 32768; 0 means that most.",
        ..ROW
    },
    Setting {
        name: "limit_request_field_size",
        section: Section::Limits,
        // The underscore is gunicorn's.
        spelling: flag(&["limit-request-field_size"]),
        metavar: "BYTES",
        kind: Kind::Int { min: 0, max: i32::MAX as i64 },
        default: Preset::Int(8190),
        doc: "Longest header line in bytes: name, colon, value and line end; 0 means the default.",
        ..ROW
    },
    Setting {
        name: "http_parser",
        section: Section::Limits,
        spelling: flag(&["http-parser"]),
        metavar: "NAME",
        default: Preset::Str("auto"),
        support: Support::Accepted { why: "there is one parser" },
        doc: "Which of gunicorn's parsers to use; without effect.",
        ..ROW
    },
    Setting {
        name: "protocol",
        section: Section::Limits,
        spelling: flag(&["protocol"]),
        metavar: "NAME",
        default: Preset::Str("http"),
        support: Support::Refused {
            alternative: "only http is spoken; in nginx, use proxy_pass in place of uwsgi_pass",
        },
        doc: "The wire protocol: http.",
        ..ROW
    },
    Setting {
        name: "uwsgi_allow_ips",
        section: Section::Limits,
        spelling: flag(&["uwsgi-allow-from"]),
        metavar: "ADDRESSES",
        kind: Kind::Csv,
        default: Preset::List(&["127.0.0.1", "::1"]),
        support: Support::Accepted { why: "the uwsgi protocol is not spoken" },
        doc: "Peers that may speak uwsgi; without effect.",
        ..ROW
    },
    Setting {
        name: "limit_request_body",
        section: Section::Limits,
        spelling: flag(&["limit-request-body"]),
        metavar: "BYTES",
        kind: BODY_BYTES,
        default: Preset::Int(0),
        doc: "Longest request body in bytes, or with the suffix K or M; a longer one is answered \
              with 413. 0 means no limit.",
        ..ROW
    },
    Setting {
        name: "limit_unread_body",
        section: Section::Limits,
        spelling: flag(&["limit-unread-body"]),
        metavar: "BYTES",
        kind: BODY_BYTES,
        default: Preset::Int(256 << 10),
        doc: "How much of a request body that the application left unread is read and thrown \
              away to keep the connection; with more than that, or when it has not come within \
              client_body_timeout, it is closed.",
        ..ROW
    },
    Setting {
        name: "limit_pipelined_requests",
        section: Section::Limits,
        spelling: flag(&["limit-pipelined-requests"]),
        metavar: "N",
        kind: COUNT,
        default: Preset::Int(1000),
        doc: "Most requests of one connection that are answered in a row while the next one has \
              always come already; after that the connection is closed. 0 means no limit.",
        ..ROW
    },
    Setting {
        name: "client_header_timeout",
        section: Section::Limits,
        spelling: flag(&["client-header-timeout"]),
        metavar: "SECONDS",
        kind: SECONDS,
        default: Preset::Int(30),
        doc: "Seconds from a request's first byte until its whole head must have come; a client \
              that is slower gets 408. 0 means no limit.",
        ..ROW
    },
    Setting {
        name: "client_body_timeout",
        section: Section::Limits,
        spelling: flag(&["client-body-timeout"]),
        metavar: "SECONDS",
        kind: SECONDS,
        default: Preset::Int(30),
        doc: "Seconds that the application waits for the next bytes of a request body before the \
              client is given up with 408. 0 means no limit.",
        ..ROW
    },
    Setting {
        name: "client_body_min_rate",
        section: Section::Limits,
        spelling: flag(&["client-body-min-rate"]),
        metavar: "BYTES",
        kind: COUNT,
        default: Preset::Int(100),
        doc: "Least bytes a second at which a request body must come while the application waits \
              for it, over each client_body_timeout seconds of waiting (30 if that is 0); a client \
              that is slower gets 408. 0 means no limit.",
        ..ROW
    },
    Setting {
        name: "client_send_timeout",
        section: Section::Limits,
        spelling: flag(&["client-send-timeout"]),
        metavar: "SECONDS",
        kind: SECONDS,
        default: Preset::Int(30),
        doc: "Seconds that a client may take nothing of its response before its connection is \
              closed. 0 means no limit.",
        ..ROW
    },
    Setting {
        name: "client_send_min_rate",
        section: Section::Limits,
        spelling: flag(&["client-send-min-rate"]),
        metavar: "BYTES",
        kind: COUNT,
        default: Preset::Int(100),
        doc: "Least bytes a second at which a client must take its response while it is waited \
              for, over each client_send_timeout seconds of waiting (30 if that is 0); the \
              connection of one that is slower is closed. 0 means no limit.",
        ..ROW
    },
    Setting {
        name: "permit_obsolete_folding",
        spelling: flag(&["permit-obsolete-folding"]),
        doc: "Take header lines that go on in a next line which begins with white space. A \
              proxy in front may read them otherwise.",
        ..LENIENCY
    },
    Setting {
        name: "strip_header_spaces",
        spelling: flag(&["strip-header-spaces"]),
        doc: "Take white space between a header's name and its colon. A proxy in front may read \
              such a line otherwise.",
        ..LENIENCY
    },
    Setting {
        name: "permit_unconventional_http_method",
        spelling: flag(&["permit-unconventional-http-method"]),
        doc: "Take any token for a method, not only 3 to 20 capitals.",
        ..LENIENCY
    },
    Setting {
        name: "permit_unconventional_http_version",
        spelling: flag(&["permit-unconventional-http-version"]),
        doc: "Take any HTTP version of two digits for the nearer one of 1.0 and 1.1.",
        ..LENIENCY
    },
    Setting {
        name: "casefold_http_method",
        spelling: flag(&["casefold-http-method"]),
        doc: "Put methods into capitals.",
        ..LENIENCY
    },
    Setting {
        name: "header_map",
        section: Section::Limits,
        spelling: flag(&["header-map"]),
        metavar: "WORD",
        kind: Kind::Choice(&["drop", "refuse", "dangerous"]),
        default: Preset::Str("drop"),
        doc: "What becomes of a header whose name has an underscore, which the application could \
              not tell from the one with a dash: drop leaves it out, refuse answers 400, \
              dangerous passes it on.",
        ..ROW
    },
    Setting {
        name: "forwarded_allow_ips",
        section: Section::Proxies,
        spelling: flag(&["forwarded-allow-ips"]),
        metavar: "ADDRESSES",
        kind: Kind::Csv,
        default: Preset::List(&["127.0.0.1", "::1"]),
        env: Some(EnvDefault { variable: "FORWARDED_ALLOW_IPS", prefix: "" }),
        doc: "Proxies whose secure_scheme_headers and forwarder_headers are believed: addresses \
              and networks such as 10.0.0.0/8, with commas between them, or * for all. Peers on \
              unix sockets are believed always.",
        ..ROW
    },
    Setting {
        name: "secure_scheme_headers",
        section: Section::Proxies,
        kind: Kind::Map,
        metavar: "DICT",
        default: Preset::Map(&[
            ("X-FORWARDED-PROTOCOL", "ssl"),
            ("X-FORWARDED-PROTO", "https"),
            ("X-FORWARDED-SSL", "on"),
        ]),
        doc: "Headers by which a trusted proxy says that its client speaks https, each with the \
              value that says so. Any other value says http; two that disagree are answered with \
              400.",
        ..ROW
    },
    Setting {
        name: "forwarder_headers",
        section: Section::Proxies,
        spelling: flag(&["forwarder-headers"]),
        metavar: "NAMES",
        kind: Kind::Csv,
        default: Preset::List(&["SCRIPT_NAME", "PATH_INFO"]),
        doc: "Header names with an underscore that a trusted proxy may send, with commas between \
              them, or * for all. SCRIPT_NAME is taken for the environ's.",
        ..ROW
    },
    Setting {
        name: "proxy_protocol",
        section: Section::Proxies,
        spelling: flag(&["proxy-protocol"]),
        metavar: "MODE",
        kind: Kind::Switch { words: &["off", "v1", "v2", "auto"], bare: "auto" },
        default: Preset::Str("off"),
        doc: "Read a PROXY protocol header where a connection begins with one: version v1, v2, or \
              both with auto, which the flag alone means.",
        ..ROW
    },
    Setting {
        name: "proxy_allow_ips",
        section: Section::Proxies,
        spelling: flag(&["proxy-allow-from"]),
        metavar: "ADDRESSES",
        kind: Kind::Csv,
        default: Preset::List(&["127.0.0.1", "::1"]),
        doc: "Peers whose PROXY protocol header is believed, written as forwarded_allow_ips; \
              others that send one are answered with 403.",
        ..ROW
    },
    Setting {
        name: "pidfile",
        section: Section::Process,
        spelling: short_flag('p', &["pid"]),
        metavar: "FILE",
        doc: "Write the supervisor's process id to this file.",
        ..ROW
    },
    Setting {
        name: "proc_name",
        section: Section::Process,
        spelling: short_flag('n', &["name"]),
        metavar: "NAME",
        doc: "The name in the processes' titles, as ps shows them; the application's name \
              by default.",
        ..ROW
    },
    Setting {
        name: "default_proc_name",
        section: Section::Process,
        metavar: "NAME",
        doc: "The name in the processes' titles when proc_name is not set.",
        ..ROW
    },
    Setting {
        name: "daemon",
        section: Section::Process,
        spelling: short_flag('D', &["daemon"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        reloadable: false,
        doc: "Run in the background: fork twice, lead a new session, and give up the \
              terminal. The log goes nowhere then unless errorlog names a file.",
        ..ROW
    },
    Setting {
        name: "enable_stdio_inheritance",
        section: Section::Process,
        spelling: short_flag('R', &["enable-stdio-inheritance"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        reloadable: false,
        doc: "Keep standard output and error in the background, in place of /dev/null.",
        ..ROW
    },
    Setting {
        name: "user",
        section: Section::Process,
        spelling: short_flag('u', &["user"]),
        metavar: "USER",
        kind: Kind::NameOrId,
        reloadable: false,
        doc: "The workers give up root and run as this user, by name or number. Unix \
              sockets and log files become this user's.",
        ..ROW
    },
    Setting {
        name: "group",
        section: Section::Process,
        spelling: short_flag('g', &["group"]),
        metavar: "GROUP",
        kind: Kind::NameOrId,
        reloadable: false,
        doc: "The workers run with this group, by name or number.",
        ..ROW
    },
    Setting {
        name: "initgroups",
        section: Section::Process,
        spelling: flag(&["initgroups"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        reloadable: false,
        doc: "Give the workers all groups that the user is a member of.",
        ..ROW
    },
    Setting {
        name: "worker_tmp_dir",
        section: Section::Process,
        spelling: flag(&["worker-tmp-dir"]),
        metavar: "DIR",
        support: Support::Accepted { why: "heartbeats are kept in shared memory, not in files" },
        doc: "Where gunicorn keeps heartbeat files; without effect.",
        ..ROW
    },
    Setting {
        name: "tmp_upload_dir",
        section: Section::Process,
        metavar: "DIR",
        support: Support::Accepted { why: "uploads are not stored in files" },
        doc: "Unused by gunicorn as well; without effect.",
        ..ROW
    },
    Setting {
        name: "control_socket",
        section: Section::Process,
        spelling: flag(&["control-socket"]),
        metavar: "PATH",
        support: Support::Accepted { why: "there is no control socket" },
        doc: "Where gunicorn has its control socket; without effect.",
        ..ROW
    },
    Setting {
        name: "control_socket_mode",
        section: Section::Process,
        spelling: flag(&["control-socket-mode"]),
        metavar: "MODE",
        kind: Kind::Mode,
        default: Preset::Int(0o600),
        support: Support::Accepted { why: "there is no control socket" },
        doc: "The control socket's mode; without effect.",
        ..ROW
    },
    Setting {
        name: "control_socket_disable",
        section: Section::Process,
        spelling: flag(&["no-control-socket"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        doc: "Do without a control socket, as this server always does.",
        ..ROW
    },
    Setting {
        name: "accesslog",
        section: Section::Logging,
        spelling: flag(&["access-logfile"]),
        metavar: "FILE",
        doc: "Write one line per request to this file; - means stdout. Without it no \
              such lines are written.",
        ..ROW
    },
    Setting {
        name: "access_log_format",
        section: Section::Logging,
        spelling: flag(&["access-logformat"]),
        metavar: "FORMAT",
        default: Preset::Str("%(h)s %(l)s %(u)s %(t)s \"%(r)s\" %(s)s %(b)s \"%(f)s\" \"%(a)s\""),
        doc: "The access log's line, with %(x)s for each of its parts.",
        ..ROW
    },
    Setting {
        name: "access_log_json",
        section: Section::Logging,
        spelling: flag(&["access-log-json"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        doc: "Write the access log as one JSON object a line, in place of \
              access_log_format; to standard output unless accesslog names a file.",
        ..ROW
    },
    Setting {
        name: "disable_redirect_access_to_syslog",
        section: Section::Logging,
        spelling: flag(&["disable-redirect-access-to-syslog"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        doc: "Keep the access log out of syslog.",
        ..ROW
    },
    Setting {
        name: "errorlog",
        section: Section::Logging,
        spelling: flag(&["error-logfile", "log-file"]),
        metavar: "FILE",
        default: Preset::Str("-"),
        doc: "Write the server's own log to this file; - means stderr.",
        ..ROW
    },
    Setting {
        name: "loglevel",
        section: Section::Logging,
        spelling: flag(&["log-level"]),
        metavar: "LEVEL",
        kind: Kind::Choice(LOG_LEVELS),
        default: Preset::Str("info"),
        doc: "Least severe messages to log: debug, info, warning, error or critical.",
        ..ROW
    },
    Setting {
        name: "capture_output",
        section: Section::Logging,
        spelling: flag(&["capture-output"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        reloadable: false,
        doc: "Send what the application prints to the errorlog's file.",
        ..ROW
    },
    Setting {
        name: "logconfig",
        section: Section::Logging,
        spelling: flag(&["log-config"]),
        metavar: "FILE",
        doc: "Set up Python's logging from this file, as logging.config.fileConfig does. If it \
              names gunicorn.access or gunicorn.error, Python's logging writes that log.",
        ..ROW
    },
    Setting {
        name: "logconfig_json",
        section: Section::Logging,
        spelling: flag(&["log-config-json"]),
        metavar: "FILE",
        doc: "As logconfig_dict, from a JSON file.",
        ..ROW
    },
    Setting {
        name: "logconfig_dict",
        section: Section::Logging,
        metavar: "DICT",
        kind: Kind::Dict,
        doc: "Set up Python's logging from this dict, as logging.config.dictConfig does; handlers \
              console and error_console and the formatter generic are there already. If it names \
              gunicorn.access or gunicorn.error, or has no loggers, Python's logging writes the \
              server's logs.",
        ..ROW
    },
    Setting {
        name: "logger_class",
        section: Section::Logging,
        spelling: flag(&["logger-class"]),
        metavar: "CLASS",
        default: Preset::Str("gunicorn.glogging.Logger"),
        doc: "A Python class that writes both logs, as MODULE.CLASS or, in the config file, the \
              class itself. It hears of each request, with or without accesslog. One that is derived \
              from gunicorn.glogging.Logger needs gunicorn to be installed.",
        ..ROW
    },
    Setting {
        name: "syslog",
        section: Section::Logging,
        spelling: flag(&["log-syslog"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        doc: "Send both logs to syslog as well.",
        ..ROW
    },
    Setting {
        name: "syslog_addr",
        section: Section::Logging,
        spelling: flag(&["log-syslog-to"]),
        metavar: "ADDRESS",
        default: Preset::Str("udp://localhost:514"),
        doc: "Where syslog is: udp://HOST:PORT, tcp://HOST:PORT or unix://PATH, which \
              #dgram or #stream may follow.",
        ..ROW
    },
    Setting {
        name: "syslog_prefix",
        section: Section::Logging,
        spelling: flag(&["log-syslog-prefix"]),
        metavar: "NAME",
        doc: "The middle of the tag unicoro.NAME.error and unicoro.NAME.access; the \
              process's name by default.",
        ..ROW
    },
    Setting {
        name: "syslog_facility",
        section: Section::Logging,
        spelling: flag(&["log-syslog-facility"]),
        metavar: "NAME",
        default: Preset::Str("user"),
        doc: "The facility of syslog messages, such as user, daemon or local0.",
        ..ROW
    },
    Setting {
        name: "syslog_format",
        section: Section::Logging,
        spelling: flag(&["log-syslog-format"]),
        metavar: "FORMAT",
        kind: Kind::Choice(&["rfc3164", "rfc5424"]),
        default: Preset::Str("rfc3164"),
        doc: "How syslog messages are written: rfc3164, which every daemon takes, or \
              rfc5424, with year and zone.",
        ..ROW
    },
    Setting {
        name: "statsd_host",
        section: Section::Logging,
        spelling: flag(&["statsd-host"]),
        metavar: "ADDRESS",
        doc: "Send figures to this statsd server: HOST:PORT or unix://PATH.",
        ..ROW
    },
    Setting {
        name: "statsd_prefix",
        section: Section::Logging,
        spelling: flag(&["statsd-prefix"]),
        metavar: "PREFIX",
        kind: Kind::MaybeEmpty,
        default: Preset::Str(""),
        doc: "Stands before the name of each figure, with a dot between them.",
        ..ROW
    },
    Setting {
        name: "dogstatsd_tags",
        section: Section::Logging,
        spelling: flag(&["dogstatsd-tags"]),
        metavar: "TAGS",
        kind: Kind::MaybeEmpty,
        default: Preset::Str(""),
        doc: "Tags for each figure as DataDog has them, with commas between them.",
        ..ROW
    },
    Setting {
        name: "enable_backlog_metric",
        section: Section::Logging,
        spelling: flag(&["enable-backlog-metric"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        doc: "Send how many connections wait in the listen queues, once a second, to \
              statsd.",
        ..ROW
    },
    Setting {
        name: "spew",
        section: Section::Inspection,
        spelling: flag(&["spew"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        doc: "Print each line of Python that the application runs to standard output, as \
              MODULE:NUMBER: LINE; for debugging, and slow.",
        ..ROW
    },
    Setting {
        name: "check_config",
        section: Section::Inspection,
        spelling: flag(&["check-config"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        reloadable: false,
        doc: "Read the settings, load the application and exit: 0 if all is well.",
        ..ROW
    },
    Setting {
        name: "print_config",
        section: Section::Inspection,
        spelling: flag(&["print-config"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        reloadable: false,
        doc: "Print every setting with its value and where the value came from, and check \
              the application as check_config does.",
        ..ROW
    },
    Setting {
        name: "on_starting",
        section: Section::Hooks,
        metavar: "(server)",
        kind: Kind::Hook { arguments: &[1] },
        doc: "Called when the master starts, before it listens. An exception ends the \
              start.",
        ..ROW
    },
    Setting {
        name: "on_reload",
        section: Section::Hooks,
        metavar: "(server)",
        kind: Kind::Hook { arguments: &[1] },
        doc: "Called on HUP, after the settings were read again and before new workers \
              start. An exception makes the reload fail; the old workers serve on.",
        ..ROW
    },
    Setting {
        name: "when_ready",
        section: Section::Hooks,
        metavar: "(server)",
        kind: Kind::Hook { arguments: &[1] },
        doc: "Called when the master listens, before the first worker starts.",
        ..ROW
    },
    Setting {
        name: "pre_fork",
        section: Section::Hooks,
        metavar: "(server, worker)",
        kind: Kind::Hook { arguments: &[2] },
        doc: "Called in the master before each fork of a worker. An exception puts the \
              worker off, as a failed fork does.",
        ..ROW
    },
    Setting {
        name: "post_fork",
        section: Section::Hooks,
        metavar: "(server, worker)",
        kind: Kind::Hook { arguments: &[2] },
        doc: "Called in each new worker, before it gives up its privileges and loads the \
              application.",
        ..ROW
    },
    Setting {
        name: "post_worker_init",
        section: Section::Hooks,
        metavar: "(worker)",
        kind: Kind::Hook { arguments: &[1] },
        doc: "Called in a worker that has loaded the application, before it takes \
              requests.",
        ..ROW
    },
    Setting {
        name: "worker_int",
        section: Section::Hooks,
        metavar: "(worker)",
        kind: Kind::Hook { arguments: &[1] },
        doc: "Called in a worker that was sent INT or QUIT.",
        ..ROW
    },
    Setting {
        name: "worker_abort",
        section: Section::Hooks,
        metavar: "(worker)",
        kind: Kind::Hook { arguments: &[1] },
        doc: "Called in a worker that was sent ABRT, as the master does after the timeout.",
        ..ROW
    },
    Setting {
        name: "pre_exec",
        section: Section::Hooks,
        metavar: "(server)",
        kind: Kind::Hook { arguments: &[1] },
        doc: "Called in the process that is about to become the new master of an upgrade \
              (USR2).",
        ..ROW
    },
    Setting {
        name: "pre_request",
        section: Section::Hooks,
        metavar: "(worker, req)",
        kind: Kind::Hook { arguments: &[2] },
        doc: "Called before each request. An exception is answered with 500.",
        ..ROW
    },
    Setting {
        name: "post_request",
        section: Section::Hooks,
        metavar: "(worker, req, environ, resp)",
        kind: Kind::Hook { arguments: &[2, 3, 4] },
        doc: "Called after each response; environ and resp may be left out. A hook that \
              sets worker.alive to False has the worker replaced.",
        ..ROW
    },
    Setting {
        name: "child_exit",
        section: Section::Hooks,
        metavar: "(server, worker)",
        kind: Kind::Hook { arguments: &[2] },
        doc: "Called in the master after a worker has ended.",
        ..ROW
    },
    Setting {
        name: "worker_exit",
        section: Section::Hooks,
        metavar: "(server, worker)",
        kind: Kind::Hook { arguments: &[2] },
        doc: "Called in a worker that is about to end.",
        ..ROW
    },
    Setting {
        name: "nworkers_changed",
        section: Section::Hooks,
        metavar: "(server, new, old)",
        kind: Kind::Hook { arguments: &[3] },
        doc: "Called when another number of workers is aimed at; old is None at the start.",
        ..ROW
    },
    Setting {
        name: "on_exit",
        section: Section::Hooks,
        metavar: "(server)",
        kind: Kind::Hook { arguments: &[1] },
        doc: "Called when the master is about to end.",
        ..ROW
    },
];

/// The row of a name.
pub fn find(name: &str) -> Option<&'static Setting> {
    TABLE.iter().find(|setting| setting.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_row_is_documented_in_sentences() {
        for row in TABLE {
            assert!(row.doc.ends_with('.'), "{}", row.name);
            assert!(row.doc.chars().next().unwrap().is_uppercase(), "{}", row.name);
            assert!(!row.doc.contains("  "), "{}", row.name);
        }
    }

    #[test]
    fn names_and_flags_are_unique() {
        let (mut names, mut flags) =
            (BTreeSet::new(), BTreeSet::from(["-h", "-v"].map(String::from)));
        flags.extend(["--help", "--version"].map(String::from));
        for row in TABLE {
            assert!(names.insert(row.name), "{}", row.name);
            if let Spelling::Flag { short, long } = row.spelling {
                assert!(!long.is_empty(), "{}", row.name);
                let short = short.map(|letter| format!("-{letter}"));
                let long = long.iter().map(|word| format!("--{word}"));
                for spelling in short.into_iter().chain(long) {
                    assert!(flags.insert(spelling.clone()), "{spelling}");
                }
            }
        }
    }

    #[test]
    fn rows_that_take_a_value_have_a_metavar_and_flags_have_none() {
        for row in TABLE {
            let is_flag = matches!(row.kind, Kind::Flag | Kind::FlagOff);
            assert_eq!(is_flag, row.metavar.is_empty(), "{}", row.name);
        }
    }

    #[test]
    fn rows_of_a_section_stand_together_in_the_order_of_the_help() {
        let mut sections: Vec<Section> = TABLE.iter().map(|row| row.section).collect();
        sections.dedup();
        assert_eq!(sections, Section::ALL);
    }

    #[test]
    fn only_one_row_is_the_argument() {
        let arguments = TABLE.iter().filter(|row| matches!(row.spelling, Spelling::Argument));
        assert_eq!(arguments.count(), 1);
    }
}
