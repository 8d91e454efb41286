//! Requests and clients: limits, times and leniency. Data only.

use super::row::{COUNT, ROW, SECONDS, flag};
use super::setting::{Kind, Preset, Section, Setting, Support};

/// The most that a body may be limited to: 1 PiB, so that sums never overflow.
const MAX_BODY_BYTES: i64 = 1 << 50;
const BODY_BYTES: Kind = Kind::Bytes { min: 0, max: MAX_BODY_BYTES, multiple: 1 };
/// What a row of a leniency switch shares with the others.
const LENIENCY: Setting =
    Setting { section: Section::Limits, kind: Kind::Flag, default: Preset::Bool(false), ..ROW };

/// In the order of the help.
pub const ROWS: &[Setting] = &[
    Setting {
        name: "limit_request_line",
        section: Section::Limits,
        spelling: flag(&["limit-request-line"]),
        metavar: "BYTES",
        kind: Kind::Capped { cap: 8190 },
        default: Preset::Int(4094),
        doc: "Longest request line in bytes, at most 8190; 0 means no limit of its own.",
        ..ROW
    },
    Setting {
        name: "limit_request_fields",
        section: Section::Limits,
        spelling: flag(&["limit-request-fields"]),
        metavar: "N",
        kind: Kind::Capped { cap: 32_768 },
        default: Preset::Int(100),
        doc: "How many header fields a request may have, at most 32768; 0 means that limit.",
        ..ROW
    },
    Setting {
        name: "limit_request_field_size",
        section: Section::Limits,
        // The underscore is gunicorn's.
        spelling: flag(&["limit-request-field_size"]),
        metavar: "BYTES",
        kind: Kind::Int { min: 0, max: i32::MAX as i64 },
        default: Preset::Int(8190),
        doc: "Longest header line in bytes: name, colon, value and line end; 0 means the default.",
        ..ROW
    },
    Setting {
        name: "http_parser",
        section: Section::Limits,
        spelling: flag(&["http-parser"]),
        metavar: "NAME",
        default: Preset::Str("auto"),
        support: Support::Accepted { why: "there is one parser" },
        doc: "Which of gunicorn's parsers to use; without effect.",
        ..ROW
    },
    Setting {
        name: "protocol",
        section: Section::Limits,
        spelling: flag(&["protocol"]),
        metavar: "NAME",
        default: Preset::Str("http"),
        support: Support::Refused {
            alternative: "only http is spoken; in nginx, use proxy_pass in place of uwsgi_pass",
        },
        doc: "The wire protocol: http.",
        ..ROW
    },
    Setting {
        name: "uwsgi_allow_ips",
        section: Section::Limits,
        spelling: flag(&["uwsgi-allow-from"]),
        metavar: "ADDRESSES",
        kind: Kind::Csv,
        default: Preset::List(&["127.0.0.1", "::1"]),
        support: Support::Accepted { why: "the uwsgi protocol is not spoken" },
        doc: "Peers that may speak uwsgi; without effect.",
        ..ROW
    },
    Setting {
        name: "limit_request_body",
        section: Section::Limits,
        spelling: flag(&["limit-request-body"]),
        metavar: "BYTES",
        kind: BODY_BYTES,
        default: Preset::Int(0),
        doc: "Longest request body in bytes, or with the suffix K or M; a longer one is answered \
              with 413. 0 means no limit.",
        ..ROW
    },
    Setting {
        name: "limit_unread_body",
        section: Section::Limits,
        spelling: flag(&["limit-unread-body"]),
        metavar: "BYTES",
        kind: BODY_BYTES,
        default: Preset::Int(256 << 10),
        doc: "How much of a request body that the application left unread is read and thrown \
              away to keep the connection; with more than that, or when it has not come within \
              client_body_timeout, it is closed.",
        ..ROW
    },
    Setting {
        name: "limit_pipelined_requests",
        section: Section::Limits,
        spelling: flag(&["limit-pipelined-requests"]),
        metavar: "N",
        kind: COUNT,
        default: Preset::Int(1000),
        doc: "How many requests of one connection are answered in a row while the next one has \
              always come already; after that the connection is closed. 0 means no limit.",
        ..ROW
    },
    Setting {
        name: "client_header_timeout",
        section: Section::Limits,
        spelling: flag(&["client-header-timeout"]),
        metavar: "SECONDS",
        kind: SECONDS,
        default: Preset::Int(30),
        doc: "Seconds from a request's first byte until its whole head must have come; a client \
              that is slower gets 408. 0 means no limit.",
        ..ROW
    },
    Setting {
        name: "client_body_timeout",
        section: Section::Limits,
        spelling: flag(&["client-body-timeout"]),
        metavar: "SECONDS",
        kind: SECONDS,
        default: Preset::Int(30),
        doc: "Seconds that the application waits for the next bytes of a request body before the \
              client is given up with 408. 0 means no limit.",
        ..ROW
    },
    Setting {
        name: "client_body_min_rate",
        section: Section::Limits,
        spelling: flag(&["client-body-min-rate"]),
        metavar: "BYTES",
        kind: COUNT,
        default: Preset::Int(100),
        doc: "Least bytes a second at which a request body must come while the application waits \
              for it, over each client_body_timeout seconds of waiting (30 if that is 0); a client \
              that is slower gets 408. 0 means no limit.",
        ..ROW
    },
    Setting {
        name: "client_send_timeout",
        section: Section::Limits,
        spelling: flag(&["client-send-timeout"]),
        metavar: "SECONDS",
        kind: SECONDS,
        default: Preset::Int(30),
        doc: "Seconds that a client may take nothing of its response before its connection is \
              closed. 0 means no limit.",
        ..ROW
    },
    Setting {
        name: "client_send_min_rate",
        section: Section::Limits,
        spelling: flag(&["client-send-min-rate"]),
        metavar: "BYTES",
        kind: COUNT,
        default: Preset::Int(100),
        doc: "Least bytes a second at which a client must take its response while it is waited \
              for, over each client_send_timeout seconds of waiting (30 if that is 0); the \
              connection of one that is slower is closed. 0 means no limit.",
        ..ROW
    },
    Setting {
        name: "permit_obsolete_folding",
        spelling: flag(&["permit-obsolete-folding"]),
        doc: "Take header lines that go on in a next line which begins with white space. A \
              proxy in front may read them otherwise.",
        ..LENIENCY
    },
    Setting {
        name: "strip_header_spaces",
        spelling: flag(&["strip-header-spaces"]),
        doc: "Take white space between a header's name and its colon. A proxy in front may read \
              such a line otherwise.",
        ..LENIENCY
    },
    Setting {
        name: "permit_unconventional_http_method",
        spelling: flag(&["permit-unconventional-http-method"]),
        doc: "Take any token for a method, not only 3 to 20 capitals.",
        ..LENIENCY
    },
    Setting {
        name: "permit_unconventional_http_version",
        spelling: flag(&["permit-unconventional-http-version"]),
        doc: "Take any HTTP version of two digits for the nearer one of 1.0 and 1.1.",
        ..LENIENCY
    },
    Setting {
        name: "casefold_http_method",
        spelling: flag(&["casefold-http-method"]),
        doc: "Turn the letters of methods into capitals.",
        ..LENIENCY
    },
    Setting {
        name: "header_map",
        section: Section::Limits,
        spelling: flag(&["header-map"]),
        metavar: "WORD",
        kind: Kind::Choice(&["drop", "refuse", "dangerous"]),
        default: Preset::Str("drop"),
        doc: "What becomes of a header whose name has an underscore, which the application could \
              not tell from the one with a dash: drop leaves it out, refuse answers 400, \
              dangerous passes it on.",
        ..ROW
    },
];
