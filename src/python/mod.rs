//! The bridge to CPython: the interpreter, who holds its lock, and WSGI (PEP 3333).
//!
//! Only [`gil::attach`] takes and gives the GIL; only [`gil::attach`], [`threads::thread_state`] and
//! [`interp::interpreter`]
//! are unsafe. Never switch green threads while attached, and never keep a `Python` token, a `Bound`
//! or a guard across something that may: detach first, with [`gil::attach::detached`].

mod gil;

mod interp;

mod deadline;

mod wsgi;

mod gunicorn;

mod app;

mod loggers;

mod threads;

mod gevent;

pub use app::application::{Application, Outcome, Request};
pub use app::loader::{LoadError, load};
pub use app::reloading::{Look, begin_watching, failed_application, files_to_watch};
pub use deadline::computing::{forgive, set_computing};
pub use deadline::listeners::listener;
pub use deadline::request_timeout::make_module;
pub use gevent::{adapt_gevent, after_request};
pub use gil::addresses::gil_addresses;
pub use gil::attach::main_thread;
pub use gil::current::{may_keep_lock, may_park};
pub use gunicorn::config_file::{ConfigFile, run as run_config_file};
pub use gunicorn::hooks::{Hooks, Raised};
pub use gunicorn::request_hooks::RequestHooks;
pub use interp::fork::{after_fork_child, after_fork_parent, before_fork, fork};
pub use interp::home::Home;
pub use interp::interpreter::{
    end, is_running, preflight, prepare_path, set_environ, start, while_waiting,
};
pub use interp::spew::spew;
pub use interp::stack::{Cause, all_stacks, stack_of, stacks_of, watch_stacks};
pub use loggers::log_thread::begin_log_thread;
pub use loggers::refusal::log_refusal;
pub use loggers::set_up::{has_loggers, say_who_logs, set_up_loggers};
pub use threads::interrupt::{interrupt_computing, interrupt_listener, take_lock};
pub use threads::pending_calls::make_pending_calls;
pub use threads::signal_handlers::{SignalHandlers, stir};
pub use threads::thread_state::{on_engine_thread, on_green_thread};
pub use wsgi::environ::{Place, ServerFacts};
pub use wsgi::fields::Fields;
pub use wsgi::file_wrapper::use_sendfile;
pub use wsgi::reader::{BodyRules, Reader};
