//! The flags as completions see them.

use crate::config::table::TABLE;
use crate::config::table::setting::{Kind, Setting, Spelling};

/// One flag as completions see it.
pub struct Flag {
    pub short: Option<char>,
    pub long: &'static str,
    /// Empty for a flag without a value.
    pub metavar: &'static str,
    /// The first sentence about it.
    pub summary: String,
    /// What its value may be.
    pub words: &'static [&'static str],
    /// Whether the value is a path.
    pub is_path: bool,
}

/// Every spelling of every flag, with help and version.
pub fn flags() -> Vec<Flag> {
    let own = |short, long, summary: &str| Flag {
        short: Some(short),
        long,
        metavar: "",
        summary: summary.into(),
        words: &[],
        is_path: false,
    };
    let mut flags: Vec<Flag> = TABLE.iter().flat_map(flags_of).collect();
    flags.push(own('h', "help", "Print the help and exit."));
    flags.push(own('v', "version", "Print the version and exit."));
    flags
}

fn flags_of(setting: &'static Setting) -> Vec<Flag> {
    let Spelling::Flag { short, long } = setting.spelling else { return Vec::new() };
    let flag = |(index, long): (usize, &&'static str)| Flag {
        short: short.filter(|_| index == 0),
        long,
        metavar: setting.metavar,
        summary: first_sentence(setting.doc),
        words: words_of(setting),
        is_path: matches!(setting.metavar, "FILE" | "DIR" | "DIRS" | "PATH"),
    };
    long.iter().enumerate().map(flag).collect()
}

fn words_of(setting: &Setting) -> &'static [&'static str] {
    match setting.kind {
        Kind::Choice(words) | Kind::Switch { words, .. } => words,
        _ if setting.name == "worker_class" => &["sync", "gthread", "coroutine"],
        _ => &[],
    }
}

fn first_sentence(doc: &str) -> String {
    match doc.split_once(". ") {
        Some((first, _)) => format!("{first}."),
        None => doc.to_owned(),
    }
}
