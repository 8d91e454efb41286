//! How an asynchronous application is served.

use super::winners::{Winners, none_if_zero};
use crate::config::error::ConfigError;
use crate::config::values::worker_class::WorkerClass;

/// What the application is to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InterfaceChoice {
    /// Whatever it does.
    Auto,
    /// PEP 3333.
    Wsgi,
    /// ASGI 3.
    Asgi,
}

impl InterfaceChoice {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Wsgi => "wsgi",
            Self::Asgi => "asgi",
        }
    }
}

/// What ASGI's side reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsgiSettings {
    /// What the application speaks.
    pub interface: InterfaceChoice,
    /// `auto`, `asyncio` or `uvloop`.
    pub kind: String,
    /// `auto`, `on` or `off`.
    pub lifespan: String,
    /// Where a proxy has mounted the application; may be empty.
    pub root_path: String,
    /// So many of anyio's threads, green ones; `None`: anyio's own.
    pub anyio_threads: Option<usize>,
}

/// Resolves them.
pub fn resolve(winners: &Winners<'_>) -> Result<AsgiSettings, ConfigError> {
    let interface = match winners.text("interface")?.as_str() {
        "wsgi" => InterfaceChoice::Wsgi,
        "asgi" => InterfaceChoice::Asgi,
        _ if WorkerClass::means_asgi(&winners.text("worker_class")?) => InterfaceChoice::Asgi,
        _ => InterfaceChoice::Auto,
    };
    Ok(AsgiSettings {
        interface,
        kind: winners.text("asgi_loop")?,
        lifespan: winners.text("asgi_lifespan")?,
        root_path: winners.optional_text("root_path")?.unwrap_or_default(),
        anyio_threads: none_if_zero(winners.int("anyio_threads")?),
    })
}
