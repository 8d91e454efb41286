//! A worker: a forked process that loads the application and serves it with an engine.
//!
//! ```text
//!   main thread      boot ─► load the application ─► engine.run ─► end of Python ─► exit code
//!   control thread   signals, the supervisor's end ─► Stop
//! ```

mod access;
mod boot;
mod control;
mod desk;
mod error;
mod hosting;
mod left;
mod loading;
mod pulse;
mod quota;
mod reloader;
mod rules;
mod serve;
mod service;
mod siblings;
mod stall;

pub use boot::{Concurrency, EngineChoice, Equipment, run};
pub use error::BootError;
pub use loading::{check, load};
