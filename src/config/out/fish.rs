//! Completion for fish.

use super::flags::{Flag, flags};

/// A file for fish's directory of completions.
pub fn text() -> String {
    flags().iter().map(line).collect()
}

fn line(flag: &Flag) -> String {
    let short = flag.short.map_or_else(String::new, |letter| format!(" -s {letter}"));
    let value = match (flag.metavar, flag.words, flag.is_path) {
        ("", ..) => String::new(),
        (_, [], true) => " -r -F".to_owned(),
        (_, [], false) => " -x".to_owned(),
        (_, words, _) => format!(" -x -a '{}'", words.join(" ")),
    };
    let summary = flag.summary.replace('\\', "\\\\").replace('\'', "\\'");
    format!("complete -c unicoro{short} -l {}{value} -d '{summary}'\n", flag.long)
}
