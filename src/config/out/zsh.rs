//! Completion for zsh.

use super::flags::{Flag, flags};

/// A file `_unicoro` for a directory of `fpath`.
pub fn text() -> String {
    let specs: Vec<String> = flags().iter().flat_map(specs).collect();
    format!("#compdef unicoro\n_arguments -s \\\n{}    '*:application:_files'\n", specs.concat())
}

fn specs(flag: &Flag) -> Vec<String> {
    let summary = flag.summary.replace('\'', "'\\''").replace('[', "\\[").replace(']', "\\]");
    let value = match (flag.metavar, flag.words, flag.is_path) {
        ("", ..) => String::new(),
        (metavar, [], true) => format!(":{metavar}:_files"),
        (metavar, [], false) => format!(":{metavar}: "),
        (metavar, words, _) => format!(":{metavar}:({})", words.join(" ")),
    };
    let glue = if flag.metavar.is_empty() { "" } else { "=" };
    let long = format!("    '*--{}{glue}[{summary}]{value}' \\\n", flag.long);
    let glue = if flag.metavar.is_empty() { "" } else { "+" };
    let short = flag.short.map(|letter| format!("    '*-{letter}{glue}[{summary}]{value}' \\\n"));
    [long].into_iter().chain(short).collect()
}
