//! The shape of a row in the table of settings.
//!
//! A row is data: it never parses and never acts. What is needed for a new setting must fit in a
//! row and a field of `Settings`; if it does not, the shape changes here, not in a special case.

use crate::config::values::value::Value;

/// One setting: everything the command line, the config file, the dump and the help know of it.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// gunicorn's name, verbatim; also the name in a config file.
    pub name: &'static str,
    /// The heading it stands under in the help.
    pub section: Section,
    /// How the command line spells it.
    pub spelling: Spelling,
    /// What stands for the value in the help; empty for flags without one.
    pub metavar: &'static str,
    /// What a value must be.
    pub kind: Kind,
    /// The value when nobody gives one.
    pub default: Preset,
    /// Another default when `worker_class` is coroutine.
    pub default_on_coroutine: Option<Preset>,
    /// An environment variable that replaces the default.
    pub env: Option<EnvDefault>,
    /// Whether a reload (HUP) takes over a new value; otherwise it needs a restart.
    pub reloadable: bool,
    /// Whether it does something here.
    pub support: Support,
    /// What it does, in whole sentences with units.
    pub doc: &'static str,
}

impl Setting {
    /// How messages name its place on the command line: `--workers`.
    pub fn flag(&self) -> String {
        match self.spelling {
            Spelling::Flag { long, .. } => format!("--{}", long[0]),
            Spelling::Argument | Spelling::FileOnly => "the command line".into(),
        }
    }
}

/// How the command line spells a setting.
#[derive(Debug, Clone, Copy)]
pub enum Spelling {
    /// Not at all: config file only.
    FileOnly,
    /// The argument that is no flag.
    Argument,
    /// A flag.
    Flag {
        /// `w` for `-w`.
        short: Option<char>,
        /// At least one, without dashes; messages use the first.
        long: &'static [&'static str],
    },
}

/// A heading of the help; the help shows them in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the titles say it")]
pub enum Section {
    App,
    Listening,
    Workers,
    Limits,
    WebSockets,
    Proxies,
    Process,
    Logging,
    Inspection,
    Hooks,
}

impl Section {
    /// All, in the order of the help.
    pub const ALL: &'static [Section] = &[
        Section::App,
        Section::Listening,
        Section::Workers,
        Section::Limits,
        Section::WebSockets,
        Section::Proxies,
        Section::Process,
        Section::Logging,
        Section::Inspection,
        Section::Hooks,
    ];

    /// The heading.
    pub fn title(self) -> &'static str {
        match self {
            Section::App => "Application and configuration",
            Section::Listening => "Listening",
            Section::Workers => "Workers",
            Section::Limits => "Requests and clients",
            Section::WebSockets => "WebSocket connections",
            Section::Proxies => "Behind a proxy",
            Section::Process => "Process",
            Section::Logging => "Logging",
            Section::Inspection => "Inspection",
            Section::Hooks => "Hooks, functions in the config file",
        }
    }
}

/// What a value must be. `convert` makes each source's value fit or complains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number from `min` to `max`.
    Int {
        /// The smallest allowed.
        min: i64,
        /// The largest allowed.
        max: i64,
    },
    /// A whole number from 0; above `cap` the cap holds, with a notice.
    Capped {
        /// The most there is.
        cap: i64,
    },
    /// Seconds from 0 to `max`, with a fraction or without.
    Seconds {
        /// The largest allowed.
        max: i64,
    },
    /// A number of bytes; text may end in K or M.
    Bytes {
        /// The smallest allowed.
        min: i64,
        /// The largest allowed.
        max: i64,
        /// It must be a multiple of this.
        multiple: i64,
    },
    /// File mode bits; text with a leading 0 is octal.
    Mode,
    /// False unless its flag is given.
    Flag,
    /// A flag that, when given, sets False (`--no-sendfile`).
    FlagOff,
    /// Text; None is allowed where the default is None.
    Text,
    /// Text that may be empty.
    MaybeEmpty,
    /// A user or a group: a name or a number.
    NameOrId,
    /// A list of texts; its flag may be repeated.
    List,
    /// A list of texts written with commas.
    Csv,
    /// A list of `KEY=VALUE`; its flag may be repeated.
    Pairs,
    /// One of these words, in any case.
    Choice(&'static [&'static str]),
    /// A function of the config file's that the server calls.
    Hook {
        /// How many arguments it may take.
        arguments: &'static [usize],
    },
    /// As `Choice`; its flag may stand without a word, which then is `bare`. True is `bare` too,
    /// and False is the first word.
    Switch {
        /// The first one is off.
        words: &'static [&'static str],
        /// What the flag alone means.
        bare: &'static str,
    },
    /// A dict of anything; config file only.
    Dict,
    /// A dict of texts; config file only.
    Map,
}

/// A default that can stand in a static table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Preset {
    /// No value.
    None,
    /// A flag's.
    Bool(bool),
    /// A number's.
    Int(i64),
    /// A text's.
    Str(&'static str),
    /// A list's.
    List(&'static [&'static str]),
    /// A dict's.
    Map(&'static [(&'static str, &'static str)]),
    /// The directory the process was started in.
    StartDirectory,
}

impl Preset {
    /// The default as a value; `start_directory` is what `StartDirectory` stands for.
    pub fn value(self, start_directory: &str) -> Value {
        match self {
            Preset::None => Value::None,
            Preset::Bool(on) => Value::Bool(on),
            Preset::Int(number) => Value::Int(number),
            Preset::Str(text) => Value::Str(text.into()),
            Preset::List(items) => {
                Value::List(items.iter().map(|item| Value::Str((*item).into())).collect())
            }
            Preset::Map(pairs) => {
                let pair = |(key, text): &(&str, &str)| {
                    ((*key).to_owned(), Value::Str((*text).to_owned()))
                };
                Value::Map(pairs.iter().map(pair).collect())
            }
            Preset::StartDirectory => Value::Str(start_directory.into()),
        }
    }
}

/// An environment variable that supplies the default.
#[derive(Debug, Clone, Copy)]
pub struct EnvDefault {
    /// The variable's name.
    pub variable: &'static str,
    /// What stands before its content to make the value: `0.0.0.0:` for PORT.
    pub prefix: &'static str,
}

/// Whether a setting of gunicorn's does something here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// It does what it says.
    Works,
    /// Taken without effect; a notice says why.
    Accepted {
        /// Why it has no effect, as a clause.
        why: &'static str,
    },
    /// An error when it is set to anything but its default.
    Refused {
        /// What to use instead, as a clause.
        alternative: &'static str,
    },
}
