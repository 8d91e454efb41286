//! What proxies in front say, and which of them are believed. Data only.

use super::row::{ROW, flag};
use super::setting::{EnvDefault, Kind, Preset, Section, Setting};

/// In the order of the help.
pub const ROWS: &[Setting] = &[
    Setting {
        name: "forwarded_allow_ips",
        section: Section::Proxies,
        spelling: flag(&["forwarded-allow-ips"]),
        metavar: "ADDRESSES",
        kind: Kind::Csv,
        default: Preset::List(&["127.0.0.1", "::1"]),
        env: Some(EnvDefault { variable: "FORWARDED_ALLOW_IPS", prefix: "" }),
        doc: "Proxies whose secure_scheme_headers and forwarder_headers are believed, and by ASGI \
              applications whose X-Forwarded-For: addresses and networks such as 10.0.0.0/8, with \
              commas between them, or * for all. Peers on unix sockets are believed always.",
        ..ROW
    },
    Setting {
        name: "secure_scheme_headers",
        section: Section::Proxies,
        kind: Kind::Map,
        metavar: "DICT",
        default: Preset::Map(&[
            ("X-FORWARDED-PROTOCOL", "ssl"),
            ("X-FORWARDED-PROTO", "https"),
            ("X-FORWARDED-SSL", "on"),
        ]),
        doc: "Headers by which a trusted proxy says that its client speaks https, each with the \
              value that says so. Any other value says http, but wss where https says https; two \
              that disagree are answered with 400.",
        ..ROW
    },
    Setting {
        name: "forwarder_headers",
        section: Section::Proxies,
        spelling: flag(&["forwarder-headers"]),
        metavar: "NAMES",
        kind: Kind::Csv,
        default: Preset::List(&["SCRIPT_NAME", "PATH_INFO"]),
        doc: "Header names with an underscore that a trusted proxy may send, with commas between \
              them, or * for all. SCRIPT_NAME is taken for the environ's.",
        ..ROW
    },
    Setting {
        name: "proxy_protocol",
        section: Section::Proxies,
        spelling: flag(&["proxy-protocol"]),
        metavar: "MODE",
        kind: Kind::Switch { words: &["off", "v1", "v2", "auto"], bare: "auto" },
        default: Preset::Str("off"),
        doc: "Read a PROXY protocol header where a connection begins with one: version v1, v2, or \
              both with auto, which the flag alone means.",
        ..ROW
    },
    Setting {
        name: "proxy_allow_ips",
        section: Section::Proxies,
        spelling: flag(&["proxy-allow-from"]),
        metavar: "ADDRESSES",
        kind: Kind::Csv,
        default: Preset::List(&["127.0.0.1", "::1"]),
        doc: "Peers whose PROXY protocol header is believed, written as forwarded_allow_ips; \
              others that send one are answered with 403.",
        ..ROW
    },
];
