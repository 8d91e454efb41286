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
    /// Where `SUITE_AGAINST=gunicorn` asks for it, gunicorn's nearest kin.
    fn under_test(self) -> Engine {
        let against = std::env::var("SUITE_AGAINST").unwrap_or_default();
        match (against.as_str(), self) {
            ("gunicorn", Engine::Coroutine | Engine::Gthread) => Engine::Gunicorn,
            ("gunicorn", Engine::Sync) => Engine::GunicornSync,
            _ => self,
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
