//! The application, and the configuration itself. Data only.

use super::row::{ROW, flag, short_flag};
use super::setting::{EnvDefault, Kind, Preset, Section, Setting, Spelling, Support};

/// In the order of the help.
pub const ROWS: &[Setting] = &[
    Setting {
        name: "wsgi_app",
        section: Section::App,
        spelling: Spelling::Argument,
        metavar: "APP",
        doc: "The WSGI or ASGI application as MODULE or MODULE:VARIABLE; the variable is `application` \
              unless given, and may be a call such as create_app(\"prod\"). In a config file the \
              name is wsgi_app; the command line wins.",
        ..ROW
    },
    Setting {
        name: "interface",
        section: Section::App,
        spelling: flag(&["interface"]),
        metavar: "NAME",
        kind: Kind::Choice(&["auto", "wsgi", "asgi"]),
        default: Preset::Str("auto"),
        doc: "What the application speaks: wsgi; asgi (ASGI 3, on coroutine); auto, asgi if it is a \
              coroutine function, or an object whose __call__ is one, of three arguments.",
        ..ROW
    },
    Setting {
        name: "config",
        section: Section::App,
        spelling: short_flag('c', &["config"]),
        metavar: "FILE",
        default: Preset::Str("./gunicorn.conf.py"),
        reloadable: false,
        doc: "The config file, run as Python: PATH, file:PATH or python:MODULE. The default is \
              read only if it exists. It is run again at each reload.",
        ..ROW
    },
    Setting {
        name: "chdir",
        section: Section::App,
        spelling: flag(&["chdir"]),
        metavar: "DIR",
        default: Preset::StartDirectory,
        doc: "Change to this directory before the application is loaded. The default config file \
              is looked up before that.",
        ..ROW
    },
    Setting {
        name: "pythonpath",
        section: Section::App,
        spelling: flag(&["pythonpath"]),
        metavar: "DIRS",
        kind: Kind::Csv,
        doc: "Directories, with commas between them, that are put in front of sys.path; the last is \
              searched first. Behind them come chdir and the directory of the start.",
        ..ROW
    },
    Setting {
        name: "raw_env",
        section: Section::App,
        spelling: short_flag('e', &["env"]),
        metavar: "KEY=VALUE",
        kind: Kind::Pairs,
        default: Preset::List(&[]),
        doc: "Sets an environment variable for the application. Can be given more than once.",
        ..ROW
    },
    Setting {
        name: "preload_app",
        section: Section::App,
        spelling: flag(&["preload"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        reloadable: false,
        doc: "Load the application once, before the workers are forked. They share its memory, \
              and new code needs a restart instead of a reload.",
        ..ROW
    },
    Setting {
        name: "reload",
        section: Section::App,
        spelling: flag(&["reload"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        doc: "Replace the workers whenever a file of the application changes, or a module \
              appears in its folders; for development. While the application does not load, the \
              browser shows the traceback. preload_app has no effect then.",
        ..ROW
    },
    Setting {
        name: "reload_engine",
        section: Section::App,
        spelling: flag(&["reload-engine"]),
        metavar: "NAME",
        kind: Kind::Choice(&["auto", "poll", "inotify"]),
        default: Preset::Str("auto"),
        doc: "How changes are noticed: inotify, at once; poll, every second; auto, inotify \
              where it is to be had.",
        ..ROW
    },
    Setting {
        name: "reload_extra_files",
        section: Section::App,
        spelling: flag(&["reload-extra-file"]),
        metavar: "FILE",
        kind: Kind::List,
        default: Preset::List(&[]),
        doc: "Watch this file as well, such as a template; * and ** stand for any. Can be \
              given more than once.",
        ..ROW
    },
    Setting {
        name: "sendfile",
        section: Section::App,
        spelling: flag(&["no-sendfile"]),
        kind: Kind::FlagOff,
        env: Some(EnvDefault { variable: "SENDFILE", prefix: "" }),
        doc: "Whether wsgi.file_wrapper sends real files with sendfile(2). On, unless this \
              flag or SENDFILE=no turns it off.",
        ..ROW
    },
    Setting {
        name: "paste",
        section: Section::App,
        spelling: flag(&["paste", "paster"]),
        metavar: "FILE",
        support: Support::Refused {
            alternative: "write a module that calls paste.deploy.loadapp, and name it as MODULE:VARIABLE",
        },
        doc: "A PasteDeploy file; not supported.",
        ..ROW
    },
    Setting {
        name: "raw_paste_global_conf",
        section: Section::App,
        spelling: flag(&["paste-global"]),
        metavar: "KEY=VALUE",
        kind: Kind::List,
        default: Preset::List(&[]),
        support: Support::Refused {
            alternative: "write a module that calls paste.deploy.loadapp, and name it as MODULE:VARIABLE",
        },
        doc: "Values for a PasteDeploy file; not supported.",
        ..ROW
    },
];
