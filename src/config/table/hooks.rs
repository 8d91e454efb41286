//! Functions of the config file that the server calls. Data only.

use super::row::ROW;
use super::setting::{Kind, Section, Setting};

/// In the order of the help.
pub const ROWS: &[Setting] = &[
    Setting {
        name: "on_starting",
        section: Section::Hooks,
        metavar: "(server)",
        kind: Kind::Hook { arguments: &[1] },
        doc: "Called when the master starts, before it listens. An exception ends the \
              start.",
        ..ROW
    },
    Setting {
        name: "on_reload",
        section: Section::Hooks,
        metavar: "(server)",
        kind: Kind::Hook { arguments: &[1] },
        doc: "Called on HUP, after the settings were read again and before new workers \
              start. An exception makes the reload fail; the old workers serve on.",
        ..ROW
    },
    Setting {
        name: "when_ready",
        section: Section::Hooks,
        metavar: "(server)",
        kind: Kind::Hook { arguments: &[1] },
        doc: "Called when the master listens, before the first worker starts.",
        ..ROW
    },
    Setting {
        name: "pre_fork",
        section: Section::Hooks,
        metavar: "(server, worker)",
        kind: Kind::Hook { arguments: &[2] },
        doc: "Called in the master before each fork of a worker. After an exception the \
              worker is started later, as after a failed fork.",
        ..ROW
    },
    Setting {
        name: "post_fork",
        section: Section::Hooks,
        metavar: "(server, worker)",
        kind: Kind::Hook { arguments: &[2] },
        doc: "Called in each new worker, before it gives up its privileges and loads the \
              application.",
        ..ROW
    },
    Setting {
        name: "post_worker_init",
        section: Section::Hooks,
        metavar: "(worker)",
        kind: Kind::Hook { arguments: &[1] },
        doc: "Called in a worker that has loaded the application, before it takes \
              requests.",
        ..ROW
    },
    Setting {
        name: "worker_int",
        section: Section::Hooks,
        metavar: "(worker)",
        kind: Kind::Hook { arguments: &[1] },
        doc: "Called in a worker that was sent INT or QUIT.",
        ..ROW
    },
    Setting {
        name: "worker_abort",
        section: Section::Hooks,
        metavar: "(worker)",
        kind: Kind::Hook { arguments: &[1] },
        doc: "Called in a worker that was sent ABRT, as the master does after the timeout.",
        ..ROW
    },
    Setting {
        name: "pre_exec",
        section: Section::Hooks,
        metavar: "(server)",
        kind: Kind::Hook { arguments: &[1] },
        doc: "Called in the process that is about to become the new master of an upgrade \
              (USR2).",
        ..ROW
    },
    Setting {
        name: "pre_request",
        section: Section::Hooks,
        metavar: "(worker, req)",
        kind: Kind::Hook { arguments: &[2] },
        doc: "Called before each request. An exception is answered with 500.",
        ..ROW
    },
    Setting {
        name: "post_request",
        section: Section::Hooks,
        metavar: "(worker, req, environ, resp)",
        kind: Kind::Hook { arguments: &[2, 3, 4] },
        doc: "Called after each response; environ and resp may be left out. If the hook \
              sets worker.alive to False, the worker is replaced.",
        ..ROW
    },
    Setting {
        name: "child_exit",
        section: Section::Hooks,
        metavar: "(server, worker)",
        kind: Kind::Hook { arguments: &[2] },
        doc: "Called in the master after a worker has ended.",
        ..ROW
    },
    Setting {
        name: "worker_exit",
        section: Section::Hooks,
        metavar: "(server, worker)",
        kind: Kind::Hook { arguments: &[2] },
        doc: "Called in a worker that is about to end.",
        ..ROW
    },
    Setting {
        name: "nworkers_changed",
        section: Section::Hooks,
        metavar: "(server, new, old)",
        kind: Kind::Hook { arguments: &[3] },
        doc: "Called when the wanted number of workers changes; old is None at the start.",
        ..ROW
    },
    Setting {
        name: "on_exit",
        section: Section::Hooks,
        metavar: "(server)",
        kind: Kind::Hook { arguments: &[1] },
        doc: "Called when the master is about to end.",
        ..ROW
    },
];
