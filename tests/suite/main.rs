//! The suite: starts the real binary on a socket that the test bound, speaks raw bytes to it, and
//! ends every test with a clean log and a clean exit.
//!
//! A test's name is a rule. Tests wait for conditions with a deadline and never sleep to
//! synchronise. `each_of!` runs a rule on several engines, on gunicorn too where it keeps the rule.
//!
//! Each directory is a room, whose mod.rs says what it is for, and a test's path begins with it:
//! `cargo test --release --test suite supervisor::reload` runs one file.
//!
//! It drives the build that it is part of: `cargo test --release` in CI, plain `cargo test` in a
//! quick loop. Two variables help during development: `SUITE_BINARY=/path/to/unicoro` tests another
//! binary; `SUITE_AGAINST=gunicorn` runs everything on gunicorn (sync, and gthread for coroutine),
//! which shows what a test really asks.
#![allow(clippy::unwrap_used, reason = "this crate is nothing but tests")]

/// Makes one `#[test]` per engine out of a rule: `each_of! { Sync, Coroutine; fn rule(engine) .. }`.
macro_rules! each_of {
    ($($engine:ident),+; fn $name:ident($parameter:ident) $body:block) => {
        #[allow(non_snake_case, reason = "the engines' names, as they are")]
        mod $name {
            use super::*;
            fn rule($parameter: $crate::support::Engine) $body
            $(
                #[test]
                fn $engine() {
                    rule($crate::support::Engine::$engine);
                }
            )+
        }
    };
}

mod support;

mod asgi;
mod config;
mod coroutine;
mod deploy;
mod gevent;
mod http;
mod libraries;
mod limits;
mod logging;
mod python;
mod supervisor;
mod websocket;
mod wsgi;
