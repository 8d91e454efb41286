//! Logs, syslog and statsd. Data only.

use super::row::{ROW, flag};
use super::setting::{Kind, Preset, Section, Setting};

/// The log levels, from most to least; and a name that gunicorn passes over, and takes for info.
pub const LOG_LEVELS: &[&str] = &["debug", "info", "warning", "warn", "error", "critical"];

/// In the order of the help.
pub const ROWS: &[Setting] = &[
    Setting {
        name: "accesslog",
        section: Section::Logging,
        spelling: flag(&["access-logfile"]),
        metavar: "FILE",
        doc: "Write one line per request to this file; - means stdout. Without it no \
              such lines are written.",
        ..ROW
    },
    Setting {
        name: "access_log_format",
        section: Section::Logging,
        spelling: flag(&["access-logformat"]),
        metavar: "FORMAT",
        default: Preset::Str("%(h)s %(l)s %(u)s %(t)s \"%(r)s\" %(s)s %(b)s \"%(f)s\" \"%(a)s\""),
        doc: "The format of a line of the access log, with %(x)s for each of its parts.",
        ..ROW
    },
    Setting {
        name: "access_log_json",
        section: Section::Logging,
        spelling: flag(&["access-log-json"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        doc: "Write the access log as one JSON object a line, in place of \
              access_log_format; to standard output unless accesslog names a file.",
        ..ROW
    },
    Setting {
        name: "disable_redirect_access_to_syslog",
        section: Section::Logging,
        spelling: flag(&["disable-redirect-access-to-syslog"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        doc: "Keep the access log out of syslog.",
        ..ROW
    },
    Setting {
        name: "errorlog",
        section: Section::Logging,
        spelling: flag(&["error-logfile", "log-file"]),
        metavar: "FILE",
        default: Preset::Str("-"),
        doc: "Write the server's own log to this file; - means stderr.",
        ..ROW
    },
    Setting {
        name: "loglevel",
        section: Section::Logging,
        spelling: flag(&["log-level"]),
        metavar: "LEVEL",
        kind: Kind::Choice(LOG_LEVELS),
        default: Preset::Str("info"),
        doc: "Least severe messages to log: debug, info, warning, error or critical.",
        ..ROW
    },
    Setting {
        name: "capture_output",
        section: Section::Logging,
        spelling: flag(&["capture-output"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        reloadable: false,
        doc: "Send what the application prints to the errorlog's file.",
        ..ROW
    },
    Setting {
        name: "logconfig",
        section: Section::Logging,
        spelling: flag(&["log-config"]),
        metavar: "FILE",
        doc: "Set up Python's logging from this file, as logging.config.fileConfig does. If it \
              names gunicorn.access or gunicorn.error, Python's logging writes that log.",
        ..ROW
    },
    Setting {
        name: "logconfig_json",
        section: Section::Logging,
        spelling: flag(&["log-config-json"]),
        metavar: "FILE",
        doc: "Set up Python's logging as logconfig_dict does, from a JSON file.",
        ..ROW
    },
    Setting {
        name: "logconfig_dict",
        section: Section::Logging,
        metavar: "DICT",
        kind: Kind::Dict,
        doc: "Set up Python's logging from this dict, as logging.config.dictConfig does; handlers \
              console and error_console and the formatter generic are there already. If it names \
              gunicorn.access or gunicorn.error, or has no loggers, Python's logging writes the \
              server's logs.",
        ..ROW
    },
    Setting {
        name: "logger_class",
        section: Section::Logging,
        spelling: flag(&["logger-class"]),
        metavar: "CLASS",
        default: Preset::Str("gunicorn.glogging.Logger"),
        doc: "A Python class that writes both logs, as MODULE.CLASS or, in the config file, the \
              class itself. Its access() is called for each request, with or without accesslog. One that is derived \
              from gunicorn.glogging.Logger needs gunicorn to be installed.",
        ..ROW
    },
    Setting {
        name: "syslog",
        section: Section::Logging,
        spelling: flag(&["log-syslog"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        doc: "Send both logs to syslog as well.",
        ..ROW
    },
    Setting {
        name: "syslog_addr",
        section: Section::Logging,
        spelling: flag(&["log-syslog-to"]),
        metavar: "ADDRESS",
        default: Preset::Str("udp://localhost:514"),
        doc: "Where syslog is: udp://HOST:PORT, tcp://HOST:PORT or unix://PATH, which \
              #dgram or #stream may follow.",
        ..ROW
    },
    Setting {
        name: "syslog_prefix",
        section: Section::Logging,
        spelling: flag(&["log-syslog-prefix"]),
        metavar: "NAME",
        doc: "The middle of the tag unicoro.NAME.error and unicoro.NAME.access; the \
              process's name by default.",
        ..ROW
    },
    Setting {
        name: "syslog_facility",
        section: Section::Logging,
        spelling: flag(&["log-syslog-facility"]),
        metavar: "NAME",
        default: Preset::Str("user"),
        doc: "The facility of syslog messages, such as user, daemon or local0.",
        ..ROW
    },
    Setting {
        name: "syslog_format",
        section: Section::Logging,
        spelling: flag(&["log-syslog-format"]),
        metavar: "FORMAT",
        kind: Kind::Choice(&["rfc3164", "rfc5424"]),
        default: Preset::Str("rfc3164"),
        doc: "How syslog messages are written: rfc3164, which every daemon takes, or \
              rfc5424, with year and zone.",
        ..ROW
    },
    Setting {
        name: "statsd_host",
        section: Section::Logging,
        spelling: flag(&["statsd-host"]),
        metavar: "ADDRESS",
        doc: "Send figures to this statsd server: HOST:PORT or unix://PATH.",
        ..ROW
    },
    Setting {
        name: "statsd_prefix",
        section: Section::Logging,
        spelling: flag(&["statsd-prefix"]),
        metavar: "PREFIX",
        kind: Kind::MaybeEmpty,
        default: Preset::Str(""),
        doc: "Stands before the name of each figure, with a dot between them.",
        ..ROW
    },
    Setting {
        name: "dogstatsd_tags",
        section: Section::Logging,
        spelling: flag(&["dogstatsd-tags"]),
        metavar: "TAGS",
        kind: Kind::MaybeEmpty,
        default: Preset::Str(""),
        doc: "Tags for each figure as DataDog has them, with commas between them.",
        ..ROW
    },
    Setting {
        name: "enable_backlog_metric",
        section: Section::Logging,
        spelling: flag(&["enable-backlog-metric"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        doc: "Send how many connections wait in the listen queues, once a second, to \
              statsd.",
        ..ROW
    },
];
