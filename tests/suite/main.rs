//! The suite: starts the real binary on a socket that the test bound, speaks raw bytes to it, and
//! ends every test with a clean log and a clean exit.
//!
//! A test's name is a rule. Tests wait for conditions with a deadline and never sleep to
//! synchronise. `each_of!` runs a rule on several engines, on gunicorn too where it keeps the rule.
//!
//! It drives the build that it is part of: `cargo test --release` in CI, plain `cargo test` in a quick
//! loop. Two variables help during development: `SUITE_BINARY=/path/to/unicoro` tests another binary;
//! `SUITE_AGAINST=gunicorn` runs everything on gunicorn (sync, and gthread for coroutine), which shows
//! what a test really asks.
#![allow(clippy::unwrap_used, reason = "this crate is nothing but tests")]

/// Makes one `#[test]` per engine out of a rule: `each_of! { Sync, Coroutine; fn rule(engine) .. }`.
macro_rules! each_of {
    ($($engine:ident),+; fn $name:ident($parameter:ident) $body:block) => {
        #[allow(non_snake_case, reason = "the engines' names, as they are")]
        mod $name {
            use super::*;
            fn rule($parameter: $crate::server::Engine) $body
            $(
                #[test]
                fn $engine() {
                    rule($crate::server::Engine::$engine);
                }
            )+
        }
    };
}

mod applications;
mod backing;
mod binary;
mod changed_loggers;
mod children;
mod client;
mod load;
mod logger_class;
mod processes;
mod scratch;
mod server;
mod wait;

mod access_log;
mod app_logging;
mod blocked;
mod body_in;
mod body_out;
mod boot;
mod closing;
mod config;
mod config_files;
mod container;
mod coroutine;
mod crashing;
mod deadlines;
mod deploy;
mod documents;
mod ending;
mod environ;
mod examples;
mod expect_continue;
mod fairness;
mod fifos;
mod file_wrapper;
mod foreign;
mod forks;
mod forwarding;
mod frameworks;
mod gevent_code;
mod gevent_races;
mod gevent_tests;
mod hooks;
mod hostile;
mod identity;
mod importing;
mod in_progress;
mod keep_alive;
mod large;
mod lent_input;
mod lifecycle;
mod locks;
mod lossless;
mod matrix;
mod misbehaving;
mod nginx;
mod overdue_locks;
mod own_threads;
mod pools;
mod popular;
mod python_logging;
mod recycling;
mod releases;
mod reload;
mod request_threads;
mod responses;
mod rules;
mod same_as_gunicorn;
mod settings;
mod shortage;
mod sinks;
mod soak;
mod stacks;
mod start_response;
mod stress;
mod subinterpreters;
mod system_calls;
mod units;
mod upgrade;
mod virtual_environment;
mod watching;
mod workers;
