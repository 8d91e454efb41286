//! The name of a worker class: which engine it means here, or what to use instead.
//!
//! Never loads a Python class: workers are engines in Rust. The rule: a name that gunicorn knows
//! is either taken, with a note if it means something else here, or refused with what to use.

use std::fmt;

use super::complaint::Complaint;

/// The engine that a worker runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkerClass {
    /// One request at a time.
    Sync,
    /// Several requests at once on a pool of OS threads.
    Gthread,
    /// Thousands of requests at once on green threads.
    Coroutine,
}

/// gunicorn's names for its gevent and eventlet workers; what they do, coroutine does.
const TAKEN_AS_COROUTINE: &[&str] = &[
    "gevent",
    "gevent_wsgi",
    "gevent_pywsgi",
    "eventlet",
    "gunicorn.workers.ggevent.GeventWorker",
    "gunicorn.workers.geventlet.EventletWorker",
];

impl WorkerClass {
    /// The engine of a name, and a note for the log if the name is another server's.
    pub fn parse(name: &str) -> Result<(WorkerClass, Option<String>), Complaint> {
        match name {
            "sync" | "gunicorn.workers.sync.SyncWorker" => Ok((WorkerClass::Sync, None)),
            "gthread" | "threads" | "gunicorn.workers.gthread.ThreadWorker" => {
                Ok((WorkerClass::Gthread, None))
            }
            "coroutine" => Ok((WorkerClass::Coroutine, None)),
            name if TAKEN_AS_COROUTINE.contains(&name) => {
                Ok((WorkerClass::Coroutine, Some(taken_as_coroutine(name))))
            }
            name if Self::means_asgi(name) => {
                Ok((WorkerClass::Coroutine, Some(taken_as_asgi(name))))
            }
            name => Err(refusal(name)),
        }
    }

    /// Whether a name is that of a worker for ASGI applications: gunicorn's own, and uvicorn's.
    pub fn means_asgi(name: &str) -> bool {
        name == "asgi"
            || ["uvicorn.workers.", "uvicorn_worker.", "gunicorn.workers.gasgi."]
                .iter()
                .any(|module| name.starts_with(module))
    }

    /// What it becomes when more than one thread is asked for: gunicorn's rule.
    pub fn with_threads(self) -> WorkerClass {
        match self {
            WorkerClass::Sync => WorkerClass::Gthread,
            class => class,
        }
    }
}

impl fmt::Display for WorkerClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WorkerClass::Sync => "sync",
            WorkerClass::Gthread => "gthread",
            WorkerClass::Coroutine => "coroutine",
        })
    }
}

fn taken_as_coroutine(name: &str) -> String {
    format!(
        "worker_class {name} is taken as coroutine: green threads without monkey-patching; \
         write -k coroutine"
    )
}

fn taken_as_asgi(name: &str) -> String {
    format!(
        "worker_class {name} is taken as coroutine with interface asgi: an event loop in a green \
         thread; write -k coroutine"
    )
}

fn refusal(name: &str) -> Complaint {
    match name {
        "tornado" | "gunicorn.workers.gtornado.TornadoWorker" => Complaint::new(
            "tornado's applications are neither WSGI nor ASGI",
            "run tornado's own server, or use coroutine for a WSGI application",
        ),
        name if name.contains(['.', ':', '#']) => Complaint::new(
            "worker classes written in Python cannot be loaded",
            "use sync, gthread or coroutine",
        ),
        _ => Complaint::new("no such worker class", "use sync, gthread or coroutine"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_names_are_taken_without_a_note() {
        assert_eq!(WorkerClass::parse("sync"), Ok((WorkerClass::Sync, None)));
        assert_eq!(WorkerClass::parse("gthread"), Ok((WorkerClass::Gthread, None)));
        assert_eq!(WorkerClass::parse("coroutine"), Ok((WorkerClass::Coroutine, None)));
    }

    #[test]
    fn gevent_and_eventlet_are_taken_as_coroutine_with_a_note() {
        for name in TAKEN_AS_COROUTINE {
            let (class, note) = WorkerClass::parse(name).unwrap();
            assert_eq!(class, WorkerClass::Coroutine);
            assert!(note.unwrap().contains("taken as coroutine"));
        }
    }

    #[test]
    fn workers_for_asgi_are_taken_as_coroutine_with_a_note() {
        for name in [
            "asgi",
            "uvicorn.workers.UvicornWorker",
            "uvicorn.workers.UvicornH11Worker",
            "uvicorn_worker.UvicornWorker",
        ] {
            let (class, note) = WorkerClass::parse(name).unwrap();
            assert_eq!(class, WorkerClass::Coroutine);
            assert!(note.unwrap().contains("interface asgi"));
        }
        assert!(!WorkerClass::means_asgi("coroutine"));
    }

    #[test]
    fn every_refusal_says_what_to_use() {
        let refused = |name: &str| WorkerClass::parse(name).unwrap_err().to_string();
        assert!(refused("tornado").contains("tornado's own server"));
        for name in ["my.module.Worker", "egg:meinheld#gunicorn_worker"] {
            assert!(refused(name).contains("written in Python"), "{name}");
        }
        assert_eq!(refused("Sync"), "no such worker class; use sync, gthread or coroutine");
    }
}
