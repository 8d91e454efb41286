//! Where the server listens, and what is asked of TLS. Data only.

use super::row::{COUNT, ROW, flag, short_flag};
use super::setting::{EnvDefault, Kind, Preset, Section, Setting, Support};

/// Longest queue that listen(2) can be told.
const MAX_BACKLOG: i64 = i32::MAX as i64;
/// What the rows share that ask for TLS. A server that was configured for it must not speak plain HTTP instead.
const TLS: Setting = Setting {
    section: Section::Listening,
    support: Support::Refused {
        alternative: "the server speaks plain HTTP only: leave this out, and let nginx or another \
                      proxy in front speak TLS",
    },
    ..ROW
};
/// What the rows share that only say how to speak TLS: without a certificate gunicorn speaks plain HTTP.
const TLS_DETAIL: Setting = Setting {
    section: Section::Listening,
    support: Support::Accepted { why: "the server speaks plain HTTP only" },
    ..ROW
};

/// In the order of the help.
pub const ROWS: &[Setting] = &[
    Setting {
        name: "bind",
        section: Section::Listening,
        spelling: short_flag('b', &["bind"]),
        metavar: "ADDRESS",
        kind: Kind::List,
        default: Preset::List(&["127.0.0.1:8000"]),
        env: Some(EnvDefault { variable: "PORT", prefix: "0.0.0.0:" }),
        doc: "Where to listen: HOST, HOST:PORT, [IPV6]:PORT, unix:PATH, unix:@NAME or fd://N. Can \
              be given more than once.",
        ..ROW
    },
    Setting {
        name: "backlog",
        section: Section::Listening,
        spelling: flag(&["backlog"]),
        metavar: "N",
        kind: Kind::Int { min: 1, max: MAX_BACKLOG },
        default: Preset::Int(2048),
        reloadable: false,
        doc: "How many connections the kernel may queue for each address until a worker accepts \
              them. net.core.somaxconn is the upper bound.",
        ..ROW
    },
    Setting {
        name: "umask",
        section: Section::Listening,
        spelling: short_flag('m', &["umask"]),
        metavar: "MODE",
        kind: Kind::Mode,
        default: Preset::Int(0),
        reloadable: false,
        doc: "Permission bits that are taken away from the unix sockets' files, e.g. 0o007.",
        ..ROW
    },
    Setting {
        name: "reuse_port",
        section: Section::Listening,
        spelling: flag(&["reuse-port"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        reloadable: false,
        doc: "Let other servers of the same user listen on the same TCP addresses \
              (SO_REUSEPORT); the kernel spreads clients over the servers. The workers of one \
              server listen together all the same, so that each gets as many clients as the others.",
        ..ROW
    },
    Setting {
        name: "certfile",
        spelling: flag(&["certfile"]),
        metavar: "FILE",
        doc: "The server's certificate for TLS; not supported.",
        ..TLS
    },
    Setting {
        name: "keyfile",
        spelling: flag(&["keyfile"]),
        metavar: "FILE",
        doc: "The key of that certificate; not supported.",
        ..TLS
    },
    Setting {
        name: "ca_certs",
        spelling: flag(&["ca-certs"]),
        metavar: "FILE",
        doc: "Whose certificates clients may have.",
        ..TLS_DETAIL
    },
    Setting {
        name: "cert_reqs",
        spelling: flag(&["cert-reqs"]),
        metavar: "N",
        kind: COUNT,
        default: Preset::Int(0),
        doc: "Whether clients need a certificate.",
        ..TLS_DETAIL
    },
    Setting {
        name: "ciphers",
        spelling: flag(&["ciphers"]),
        metavar: "NAMES",
        doc: "The ciphers of TLS.",
        ..TLS_DETAIL
    },
    Setting {
        name: "ssl_version",
        spelling: flag(&["ssl-version"]),
        metavar: "NAME",
        kind: Kind::NameOrId,
        // ssl.PROTOCOL_TLS
        default: Preset::Str("2"),
        doc: "The version of TLS.",
        ..TLS_DETAIL
    },
    Setting {
        name: "suppress_ragged_eofs",
        spelling: flag(&["suppress-ragged-eofs"]),
        kind: Kind::Flag,
        default: Preset::Bool(true),
        doc: "Whether a client may end TLS without saying so.",
        ..TLS_DETAIL
    },
    Setting {
        name: "do_handshake_on_connect",
        spelling: flag(&["do-handshake-on-connect"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        doc: "Whether TLS begins as soon as a client has connected.",
        ..TLS_DETAIL
    },
];
