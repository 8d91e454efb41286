//! Workers: how many, of which class, and for how long. Data only.

use super::row::{COUNT, MAX_SECONDS, ROW, SECONDS, flag, short_flag};
use super::setting::{EnvDefault, Kind, Preset, Section, Setting, Support};

/// Most workers: one slot each in shared memory, and far above any machine's cores. During a reload there
/// are twice as many, and former ones may take their time to leave.
pub const MAX_WORKERS: usize = 1024;
const MOST_WORKERS: i64 = MAX_WORKERS as i64;
/// Most threads of one worker: each has 8 MiB of addresses for its stack.
const MAX_THREADS: i64 = 16_384;
/// Most connections of one worker: beyond any fd limit that Linux grants by default.
const MAX_CONNECTIONS: i64 = 1_048_576;
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

/// In the order of the help.
pub const ROWS: &[Setting] = &[
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
              turns that off. In the lifespan of an ASGI application its loop is such a sign: what \
              waits there is waited for, and what blocks it is killed.",
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
              this. Shortly before it has passed (a second, or a quarter of it), requests of ASGI \
              applications are cancelled and named in the log, so that the lifespan still ends.",
        ..ROW
    },
    Setting {
        name: "keepalive",
        section: Section::Workers,
        spelling: flag(&["keep-alive"]),
        metavar: "SECONDS",
        kind: SECONDS,
        default: Preset::Int(2),
        // gunicorn: 2 s everywhere. Behind a load balancer that keeps connections for 60 s, clients
        // then get 502: it sends a request at the moment in which the server closes the connection.
        // On coroutine an idle connection costs next to nothing, so it outlives the load balancer's.
        default_on_coroutine: Some(Preset::Int(75)),
        doc: "Seconds that an idle connection is kept for the client's next request.",
        ..ROW
    },
    Setting {
        name: "asgi_loop",
        section: Section::Workers,
        spelling: flag(&["loop", "asgi-loop"]),
        metavar: "NAME",
        kind: Kind::Choice(&["auto", "asyncio", "uvloop"]),
        default: Preset::Str("auto"),
        doc: "The event loop that an ASGI application runs on: asyncio's own, uvloop, or (auto) uvloop \
              where the application's environment has it.",
        ..ROW
    },
    Setting {
        name: "asgi_lifespan",
        section: Section::Workers,
        spelling: flag(&["lifespan", "asgi-lifespan"]),
        metavar: "MODE",
        kind: Kind::Choice(&["auto", "on", "off"]),
        default: Preset::Str("auto"),
        doc: "Whether an ASGI application is told of its start and its end: on; off; auto, if it knows \
              that protocol. One that says that its start has failed ends the worker; with --reload \
              that is shown, as an import that fails.",
        ..ROW
    },
    Setting {
        name: "anyio_threads",
        section: Section::Workers,
        spelling: flag(&["anyio-threads"]),
        metavar: "N",
        kind: Kind::Int { min: 0, max: MAX_CONNECTIONS },
        default: Preset::Int(0),
        doc: "How many functions that are no coroutines an ASGI application has anyio run at once, as \
              FastAPI's and Starlette's endpoints are run that are written with def; each in a green \
              thread. 0 leaves anyio as it is, with 40 OS threads.",
        ..ROW
    },
    Setting {
        name: "asgi_disconnect_grace_period",
        section: Section::Workers,
        spelling: flag(&["asgi-disconnect-grace-period"]),
        metavar: "SECONDS",
        kind: SECONDS,
        default: Preset::Int(3),
        support: Support::Accepted { why: "a request goes on when its client has left" },
        doc: "What ASGI requests get after their client has left; without effect.",
        ..ROW
    },
    Setting {
        name: "root_path",
        section: Section::Workers,
        spelling: flag(&["root-path"]),
        metavar: "PATH",
        doc: "Where a proxy in front has mounted an ASGI application, as /api: its scope's root_path, \
              which its path begins with.",
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
];
