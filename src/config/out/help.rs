//! The text of `--help`, made from the table.
//!
//! Never says what the table does not: a flag is explained in its row or nowhere.

use crate::config::table::TABLE;
use crate::config::table::setting::{Preset, Section, Setting, Spelling};
use crate::config::values::value::Value;

/// Columns of a line, so that it fits a terminal of 80.
const WIDTH: usize = 79;
/// Columns before a description.
const INDENT: usize = 8;

const OPENING: &str = "\
Usage: unicoro [OPTIONS] [APP]

Serves a Python web application (WSGI or ASGI) with gunicorn's settings.
";

const CLOSING: &str = "
  -h, --help
        Print this help and exit.
  -v, --version
        Print the version and exit.
  --generate WHAT
        Print a text and exit: man (the manual page), complete-bash,
        complete-zsh, complete-fish, settings-md.

Settings come from, the later the stronger: defaults, the config file,
GUNICORN_CMD_ARGS, the command line. --print-config shows which one won.
";

/// Every flag under its section's heading.
pub fn text() -> String {
    let mut text = OPENING.to_owned();
    for section in Section::ALL {
        text.push_str(&format!("\n{}:\n", section.title()));
        let rows = TABLE.iter().filter(|setting| setting.section == *section);
        let entries: Vec<String> = rows.map(entry).collect();
        text.push_str(&entries.concat());
    }
    text.push_str(CLOSING.trim_start_matches('\n'));
    text
}

fn entry(setting: &Setting) -> String {
    format!("  {}\n{}", heading(setting), wrap(&explain(setting)))
}

/// What a setting does, and its default.
pub(super) fn explain(setting: &Setting) -> String {
    format!("{}{}", setting.doc, default(setting))
}

/// How a setting is spelled, with what stands for its value.
pub(super) fn heading(setting: &Setting) -> String {
    match setting.spelling {
        Spelling::Argument => setting.metavar.into(),
        Spelling::FileOnly if setting.section == Section::Hooks => {
            format!("{}{}", setting.name, setting.metavar)
        }
        Spelling::FileOnly => format!("{} (config file only)", setting.name),
        Spelling::Flag { short, long } => {
            let short = short.map(|letter| format!("-{letter}"));
            let long = long.iter().map(|word| format!("--{word}"));
            let spellings: Vec<String> = short.into_iter().chain(long).collect();
            format!("{} {}", spellings.join(", "), setting.metavar).trim_end().to_owned()
        }
    }
}

/// ` Default: 2; 75 on coroutine.` Flags and absent values need no such sentence.
fn default(setting: &Setting) -> String {
    let mut parts = Vec::new();
    match setting.default {
        Preset::None | Preset::Bool(_) | Preset::List([]) => {}
        Preset::StartDirectory => parts.push("the current directory".into()),
        preset => parts.push(plain(&preset.value(""))),
    }
    if let Some(preset) = setting.default_on_coroutine {
        parts.push(format!("{} on coroutine", plain(&preset.value(""))));
    }
    if let Some(env) = setting.env {
        parts.push(format!("{}${} if that is set", env.prefix, env.variable));
    }
    if parts.is_empty() { String::new() } else { format!(" Default: {}.", parts.join("; ")) }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Str(text) => text.clone(),
        Value::List(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Map(pairs) => {
            let pair = |(key, item): &(String, Value)| format!("{key}: {}", plain(item));
            pairs.iter().map(pair).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

fn wrap(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let column = lines.last().map_or(0, |line| line.chars().count());
        if column > 0 && INDENT + column + 1 + word.chars().count() > WIDTH {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(word);
        }
    }
    lines.iter().map(|line| format!("{:INDENT$}{line}\n", "")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::out::names::NAMES;

    #[test]
    fn the_help_lists_every_flag_under_its_section() {
        let text = text();
        for setting in TABLE {
            assert!(text.contains(&format!("  {}\n", heading(setting))), "{}", setting.name);
            if let Spelling::Flag { short, long } = setting.spelling {
                assert!(long.iter().all(|word| text.contains(&format!("--{word}"))));
                assert!(short.is_none_or(|letter| text.contains(&format!("  -{letter}, --"))));
            }
        }
        for section in Section::ALL {
            assert!(text.contains(&format!("\n{}:\n", section.title())));
        }
    }

    #[test]
    fn what_can_be_generated_is_named() {
        let text = text();
        assert!(NAMES.iter().all(|name| text.contains(name)));
    }

    #[test]
    fn no_line_of_the_help_is_wider_than_a_terminal() {
        assert!(text().lines().all(|line| line.chars().count() <= WIDTH));
    }

    #[test]
    fn defaults_name_their_variable_and_the_engine_that_differs() {
        let text = text().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains("Default: 1; $WEB_CONCURRENCY if that is set."));
        assert!(text.contains("Default: 2; 75 on coroutine."));
    }
}
