//! The process: user, directories, background. Data only.

use super::row::{ROW, flag, short_flag};
use super::setting::{Kind, Preset, Section, Setting, Support};

/// In the order of the help.
pub const ROWS: &[Setting] = &[
    Setting {
        name: "pidfile",
        section: Section::Process,
        spelling: short_flag('p', &["pid"]),
        metavar: "FILE",
        doc: "Write the supervisor's process id to this file.",
        ..ROW
    },
    Setting {
        name: "proc_name",
        section: Section::Process,
        spelling: short_flag('n', &["name"]),
        metavar: "NAME",
        doc: "The name in the processes' titles, as ps shows them; the application's name \
              by default.",
        ..ROW
    },
    Setting {
        name: "default_proc_name",
        section: Section::Process,
        metavar: "NAME",
        doc: "The name in the processes' titles when proc_name is not set.",
        ..ROW
    },
    Setting {
        name: "daemon",
        section: Section::Process,
        spelling: short_flag('D', &["daemon"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        reloadable: false,
        doc: "Run in the background: fork twice, lead a new session, and give up the \
              terminal. The log goes nowhere then unless errorlog names a file.",
        ..ROW
    },
    Setting {
        name: "enable_stdio_inheritance",
        section: Section::Process,
        spelling: short_flag('R', &["enable-stdio-inheritance"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        reloadable: false,
        doc: "Keep standard output and error in the background, in place of /dev/null.",
        ..ROW
    },
    Setting {
        name: "user",
        section: Section::Process,
        spelling: short_flag('u', &["user"]),
        metavar: "USER",
        kind: Kind::NameOrId,
        reloadable: false,
        doc: "The workers give up root and run as this user, by name or number. Unix \
              sockets and log files become this user's.",
        ..ROW
    },
    Setting {
        name: "group",
        section: Section::Process,
        spelling: short_flag('g', &["group"]),
        metavar: "GROUP",
        kind: Kind::NameOrId,
        reloadable: false,
        doc: "The workers run with this group, by name or number.",
        ..ROW
    },
    Setting {
        name: "initgroups",
        section: Section::Process,
        spelling: flag(&["initgroups"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        reloadable: false,
        doc: "Give the workers all groups that the user is a member of.",
        ..ROW
    },
    Setting {
        name: "worker_tmp_dir",
        section: Section::Process,
        spelling: flag(&["worker-tmp-dir"]),
        metavar: "DIR",
        support: Support::Accepted { why: "heartbeats are kept in shared memory, not in files" },
        doc: "Where gunicorn keeps heartbeat files; without effect.",
        ..ROW
    },
    Setting {
        name: "tmp_upload_dir",
        section: Section::Process,
        metavar: "DIR",
        support: Support::Accepted { why: "uploads are not stored in files" },
        doc: "Unused by gunicorn as well; without effect.",
        ..ROW
    },
    Setting {
        name: "control_socket",
        section: Section::Process,
        spelling: flag(&["control-socket"]),
        metavar: "PATH",
        support: Support::Accepted { why: "there is no control socket" },
        doc: "Where gunicorn has its control socket; without effect.",
        ..ROW
    },
    Setting {
        name: "control_socket_mode",
        section: Section::Process,
        spelling: flag(&["control-socket-mode"]),
        metavar: "MODE",
        kind: Kind::Mode,
        default: Preset::Int(0o600),
        support: Support::Accepted { why: "there is no control socket" },
        doc: "The control socket's mode; without effect.",
        ..ROW
    },
    Setting {
        name: "control_socket_disable",
        section: Section::Process,
        spelling: flag(&["no-control-socket"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        doc: "Do without a control socket, as this server always does.",
        ..ROW
    },
];
