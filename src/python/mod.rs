//! The bridge to CPython: who holds its lock, the interpreter, and WSGI (PEP 3333).
//!
//! Its rooms stand in layer order; each imports only from those above it, and names the files that it
//! means. Others see what this file exports.
//!
//! | room | what lives there |
//! |---|---|
//! | `error` | why Python could not do what it was asked |
//! | `gil` | taking the GIL and giving it up, who has it |
//! | `interp` | the interpreter of the process: start, fork, end; what runs and reads Python in it |
//! | `deadline` | the exception for an overdue request, and who may be told |
//! | `gevent` | what code written for gevent needs in green threads |
//! | `threads` | the engine's threads as CPython and `threading` see them; the main thread's duties |
//! | `wsgi` | what an application is given and gives back |
//! | `websocket` | `unicoro.websocket`: a WebSocket, as applications have it |
//! | `gunicorn` | config files, hooks, and gunicorn's objects as they are shown them |
//! | `loggers` | `gunicorn.error` and `gunicorn.access`: Python's logging as the writer of the logs |
//! | `app` | the application: found and loaded, watched, called for each request |
//! | `asgi` | an asynchronous application, on a loop in a green thread of its own |
//!
//! Only `gil::attach` and `threads::thread_state` take and give the GIL. Never switch green threads while
//! attached, and never keep a `Python` token, a `Bound` or a guard across something that may: detach
//! first, with `gil::attach::detached`.

mod error;

mod gil;

mod interp;

mod deadline;

mod gevent;

mod threads;

mod wsgi;

mod websocket;

mod gunicorn;

mod loggers;

mod app;

mod asgi;

pub use app::application::Application;
pub use app::loader::{LoadError, Spoken, load, spoken_by};
pub use app::reloading::{Look, begin_watching, failed_application, files_to_watch};
pub use app::request::Request;
pub use app::served::Served;
pub use asgi::event_loop::{EventLoop, LoopSettings};
pub use asgi::host::{Host, Opened};
pub use asgi::mounted::prepare_mounting;
pub use asgi::standstill::Standstill;
pub use deadline::computing::{forgive, set_computing};
pub use deadline::listeners::{hearing, listener};
pub use deadline::request_timeout::make_module;
pub use error::PythonError;
pub use gevent::{adapt_gevent, after_request};
pub use gil::addresses::gil_addresses;
pub use gil::attach::main_thread;
pub use gil::current::{may_keep_lock, may_park};
pub use gunicorn::config_file::{ConfigGlobals, run as run_config_file};
pub use gunicorn::hooks::Hooks;
pub use gunicorn::request_hooks::RequestHooks;
pub use interp::fork::{after_fork_child, after_fork_parent, before_fork, fork};
pub use interp::interpreter::{
    description, end, preflight, prepare_path, set_environ, start, while_waiting,
};
pub use interp::spew::spew;
pub use interp::stack::{Cause, all_stacks, python_stack_of, stack_of, stacks_of, watch_stacks};
pub use loggers::log_thread::begin_log_thread;
pub use loggers::refusal::log_refusal;
pub use loggers::set_up::{has_loggers, say_who_logs, set_up_loggers};
pub use threads::interrupt::{interrupt_computing, interrupt_listener, take_lock};
pub use threads::pending_calls::{keep_pending_calls, make_pending_calls};
pub use threads::shared_signals::share_signals;
pub use threads::signal_handlers::{SignalHandlers, run_handlers, stir};
pub use threads::thread_state::{on_engine_thread, on_green_thread};
pub use websocket::module::make_websocket_module;
pub use wsgi::environ::{Environ, ServerFacts};
pub use wsgi::file_wrapper::use_sendfile;
