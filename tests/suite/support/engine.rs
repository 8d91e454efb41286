//! What serves: our engines, and gunicorn's to compare with.

use std::path::PathBuf;

use crate::support::{binary, virtual_environment};

/// Our engines by their gunicorn name, and gunicorn itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sync,
    Gthread,
    Coroutine,
    /// gunicorn's gthread worker: of its own engines the one that keeps connections alive.
    Gunicorn,
    GunicornSync,
}

impl Engine {
    /// gunicorn's kin where `SUITE_AGAINST=gunicorn` asks for it.
    fn under_test(self) -> Engine {
        let is_against = std::env::var("SUITE_AGAINST").is_ok_and(|against| against == "gunicorn");
        if is_against { self.kin() } else { self }
    }

    /// gunicorn's nearest.
    pub fn kin(self) -> Engine {
        match self {
            Engine::Sync | Engine::GunicornSync => Engine::GunicornSync,
            Engine::Gthread | Engine::Coroutine | Engine::Gunicorn => Engine::Gunicorn,
        }
    }

    pub fn is_gunicorn(self) -> bool {
        matches!(self.under_test(), Engine::Gunicorn | Engine::GunicornSync)
    }

    pub fn program(self) -> PathBuf {
        if self.is_gunicorn() {
            return virtual_environment().join("bin/gunicorn");
        }
        binary::path()
    }

    pub fn arguments(self) -> &'static [&'static str] {
        match self.under_test() {
            Engine::Sync => &["-k", "sync"],
            Engine::Gthread => &["-k", "gthread", "--threads", "20"],
            Engine::Coroutine => &["-k", "coroutine"],
            Engine::Gunicorn => &["-k", "gthread", "--threads", "350", "--no-control-socket"],
            Engine::GunicornSync => &["-k", "sync", "--no-control-socket"],
        }
    }
}
