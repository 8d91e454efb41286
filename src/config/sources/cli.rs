//! The command line: words to a layer of raw values. The only file that says `clap`.
//!
//! Flags come from the table; nothing here knows a single setting. Values are checked by their
//! kind, not by clap, so that a wrong one reads the same from every source. The rule: a flag given
//! twice means the last, as with gunicorn, and lists add up.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::layers::Layer;
use super::words;
use crate::config::error::ConfigError;
use crate::config::halt::Halt;
use crate::config::origin::Origin;
use crate::config::out;
use crate::config::out::help;
use crate::config::table::TABLE;
use crate::config::table::gunicorn;
use crate::config::table::setting::{Kind, Setting, Spelling};
use crate::config::values::value::Value;

/// Reads the process's own arguments, without the program's name.
pub fn parse_arguments(arguments: &[OsString]) -> Result<Layer, Halt> {
    let matches = command()
        .try_get_matches_from(with_program(arguments.to_vec()))
        .map_err(|error| stop(&error, ""))?;
    if let Some(word) = matches.get_one::<String>(GENERATE) {
        return Err(generated(word));
    }
    Ok(layer(&matches, |setting| Origin::CommandLine { flag: setting.flag() })?)
}

/// Reads the words in `GUNICORN_CMD_ARGS`.
pub fn parse_cmd_args(line: &str) -> Result<Layer, Halt> {
    let words =
        words::split(line).map_err(|complaint| ConfigError::from(complaint).at(Origin::CmdArgs))?;
    let words = words.into_iter().map(OsString::from).collect();
    let matches = command()
        .try_get_matches_from(with_program(words))
        .map_err(|error| stop(&error, "in GUNICORN_CMD_ARGS: "))?;
    Ok(layer(&matches, |_| Origin::CmdArgs)?)
}

const GENERATE: &str = "generate";

fn generated(word: &str) -> Halt {
    out::generate(word).map_or_else(
        || {
            let known: Vec<&str> = out::WORDS.iter().map(|(known, _)| *known).collect();
            let known = known.join(", ");
            Halt::Usage(format!("unicoro: --generate {word}: no such text; give one of {known}"))
        },
        Halt::Print,
    )
}

fn with_program(mut words: Vec<OsString>) -> Vec<OsString> {
    words.insert(0, "unicoro".into());
    words
}

fn command() -> Command {
    Command::new("unicoro")
        .version(env!("CARGO_PKG_VERSION"))
        .override_help(help::text())
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args_override_self(true)
        // gunicorn: the beginning of an option is enough, if no other begins so.
        .infer_long_args(true)
        .arg(Arg::new("help").short('h').long("help").action(ArgAction::Help))
        // For packagers, and no setting.
        .arg(Arg::new(GENERATE).long(GENERATE).value_name("WHAT"))
        .arg(Arg::new("version").short('v').long("version").action(ArgAction::Version))
        .args(TABLE.iter().filter_map(argument))
}

fn argument(setting: &'static Setting) -> Option<Arg> {
    let argument = Arg::new(setting.name);
    let argument = match setting.spelling {
        Spelling::FileOnly => return None,
        Spelling::Argument => argument.value_name(setting.metavar),
        Spelling::Flag { short, long } => {
            argument.short(short).long(long[0]).visible_aliases(long[1..].iter().copied())
        }
    };
    let argument = match setting.kind {
        Kind::Flag => return Some(argument.action(ArgAction::SetTrue)),
        Kind::FlagOff => return Some(argument.action(ArgAction::SetFalse)),
        Kind::List | Kind::Pairs => argument.action(ArgAction::Append),
        // So that `--workers -1` is told that -1 is below 1, not that -1 is no flag.
        Kind::Int { .. } | Kind::Capped { .. } | Kind::Seconds { .. } => {
            argument.allow_negative_numbers(true)
        }
        Kind::Switch { bare, .. } => argument.num_args(0..=1).default_missing_value(bare),
        _ => argument,
    };
    Some(argument.value_name(setting.metavar))
}

fn layer(matches: &ArgMatches, origin: impl Fn(&Setting) -> Origin) -> Result<Layer, ConfigError> {
    let mut layer = Layer::default();
    for setting in TABLE.iter().filter(|setting| is_given(matches, setting)) {
        layer.set(setting, given(matches, setting), origin(setting))?;
    }
    Ok(layer)
}

fn is_given(matches: &ArgMatches, setting: &Setting) -> bool {
    !matches!(setting.spelling, Spelling::FileOnly)
        && matches.value_source(setting.name) == Some(ValueSource::CommandLine)
}

fn given(matches: &ArgMatches, setting: &Setting) -> Value {
    match setting.kind {
        Kind::Flag | Kind::FlagOff => Value::Bool(matches.get_flag(setting.name)),
        Kind::List | Kind::Pairs => {
            let items = matches.get_many::<String>(setting.name).into_iter().flatten();
            Value::List(items.cloned().map(Value::Str).collect())
        }
        _ => matches.get_one::<String>(setting.name).cloned().map_or(Value::None, Value::Str),
    }
}

fn stop(error: &clap::Error, place: &str) -> Halt {
    match error.kind() {
        ErrorKind::DisplayHelp => Halt::Print(error.to_string()),
        ErrorKind::DisplayVersion => Halt::Version,
        _ => Halt::Usage(format!("unicoro: {place}{}", explain(error))),
    }
}

/// One line: what is wrong and what to do.
fn explain(error: &clap::Error) -> String {
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(word)) if error.kind() == ErrorKind::UnknownArgument => {
            explain_unknown(word, error.get(ContextKind::SuggestedArg))
        }
        _ => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            format!("{}; see unicoro --help", line.trim_start_matches("error: "))
        }
    }
}

fn explain_unknown(word: &str, suggested: Option<&ContextValue>) -> String {
    if gunicorn::not_yet_by_flag(word).is_some() {
        return format!("gunicorn's option {word} is not supported yet; leave it out");
    }
    if !word.starts_with('-') {
        return format!("'{word}' is one argument too many; name one application");
    }
    match suggested {
        Some(ContextValue::String(near)) => format!("no option {word}; did you mean {near}?"),
        _ => format!("no option {word}; see unicoro --help"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::table::setting::Support;

    fn layer_of(words: &[&str]) -> Result<Layer, Halt> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        parse_arguments(&words)
    }

    fn value(layer: &Layer, name: &str) -> String {
        layer.get(name).unwrap().value.to_string()
    }

    #[test]
    fn every_spelling_of_every_flag_is_read() {
        for setting in TABLE {
            let Spelling::Flag { short, long } = setting.spelling else { continue };
            let long = long.iter().map(|word| format!("--{word}"));
            for spelling in long.chain(short.map(|letter| format!("-{letter}"))) {
                let value = match setting.kind {
                    Kind::Flag | Kind::FlagOff => None,
                    Kind::Bytes { .. } => Some("8M"),
                    Kind::Pairs => Some("A=1"),
                    Kind::Choice(words) | Kind::Switch { words, .. } => Some(words[0]),
                    Kind::Csv => Some("10.0.0.7"),
                    _ => Some("7"),
                };
                let words: Vec<&str> = [spelling.as_str()].into_iter().chain(value).collect();
                let layer = match (setting.support, layer_of(&words)) {
                    (Support::Refused { .. }, Err(Halt::Error(error))) => {
                        assert_eq!(error.setting.as_deref(), Some(setting.name));
                        continue;
                    }
                    (_, layer) => layer.unwrap(),
                };
                let origin = Origin::CommandLine { flag: setting.flag() };
                assert_eq!(layer.get(setting.name).unwrap().origin, origin, "{spelling}");
            }
        }
    }

    #[test]
    fn an_off_flag_sets_false() {
        static NO_SENDFILE: Setting = Setting {
            name: "sendfile",
            spelling: Spelling::Flag { short: None, long: &["no-sendfile"] },
            kind: Kind::FlagOff,
            ..TABLE[0]
        };
        let command = Command::new("unicoro").arg(argument(&NO_SENDFILE).unwrap());
        let matches = command.try_get_matches_from(["unicoro", "--no-sendfile"]).unwrap();
        assert!(is_given(&matches, &NO_SENDFILE));
        assert_eq!(given(&matches, &NO_SENDFILE), Value::Bool(false));
    }

    #[test]
    fn a_switch_may_stand_without_its_word() {
        let mode = |words: &[&str]| value(&layer_of(words).unwrap(), "proxy_protocol");
        assert_eq!(mode(&["app", "--proxy-protocol"]), "'auto'");
        assert_eq!(mode(&["--proxy-protocol", "-w", "2", "app"]), "'auto'");
        assert_eq!(mode(&["--proxy-protocol", "v2", "app"]), "'v2'");
        assert_eq!(mode(&["--proxy-protocol=off", "app"]), "'off'");
    }

    #[test]
    fn values_may_be_glued_and_mixed_with_the_argument() {
        let layer = layer_of(&["-w4", "app:app", "--timeout=9", "-b", "a", "-b=b"]).unwrap();
        assert_eq!(value(&layer, "workers"), "4");
        assert_eq!(value(&layer, "timeout"), "9");
        assert_eq!(value(&layer, "bind"), "['a', 'b']");
        assert_eq!(value(&layer, "wsgi_app"), "'app:app'");
        assert!(layer.get("loglevel").is_none());
        assert!(layer.get("preload_app").is_none());
    }

    #[test]
    fn a_flag_given_twice_means_the_last() {
        let layer = layer_of(&["-w", "2", "--workers", "3", "--preload", "--preload"]).unwrap();
        assert_eq!(value(&layer, "workers"), "3");
        assert_eq!(value(&layer, "preload_app"), "True");
    }

    #[test]
    fn a_wrong_value_names_its_flag_and_exits_with_1() {
        let stop = layer_of(&["-w", "four"]).unwrap_err();
        assert_eq!(
            stop.to_string(),
            "workers = 'four' (--workers): not a whole number; give 1 or more"
        );
        assert_eq!(stop.exit_code(), 1);
        let negative = layer_of(&["--workers", "-1"]).unwrap_err();
        assert_eq!(negative.to_string(), "workers = '-1' (--workers): below 1; give 1 or more");
    }

    #[test]
    fn an_unknown_flag_exits_with_2_and_names_the_nearest() {
        let stop = layer_of(&["--worker", "4"]).unwrap_err();
        assert_eq!(stop.exit_code(), 2);
        assert_eq!(stop.to_string(), "unicoro: no option --worker; did you mean --workers?");
    }

    #[test]
    fn whatever_is_wrong_with_the_words_is_told_in_one_line_with_what_to_do() {
        for (words, told) in [
            (&["-Z"][..], "no option -Z; see unicoro --help"),
            (&["a:a", "b:b"], "'b:b' is one argument too many; name one application"),
            (&["-w"], "a value is required for '--workers <N>' but none was supplied; see"),
            (&["--preload=1"], "unexpected value '1' for '--preload' found; no more were"),
        ] {
            let stop = layer_of(words).unwrap_err();
            assert_eq!(stop.exit_code(), 2, "{words:?}");
            let text = stop.to_string();
            assert!(text.starts_with(&format!("unicoro: {told}")), "{text}");
            assert_eq!(text.lines().count(), 1, "{text}");
        }
    }

    #[test]
    fn a_flag_of_gunicorns_without_a_row_says_so() {
        for words in [&["--http-protocols", "h2"][..], &["--http-protocols=h2"]] {
            let stop = layer_of(words).unwrap_err();
            assert_eq!(stop.exit_code(), 2);
            let flag = words[0].split('=').next().unwrap();
            assert_eq!(
                stop.to_string(),
                format!("unicoro: gunicorn's option {flag} is not supported yet; leave it out")
            );
        }
    }

    #[test]
    fn help_and_version_are_printed_and_exit_with_0() {
        for word in ["-h", "--help"] {
            assert_eq!(layer_of(&[word]).unwrap_err().to_string(), help::text().trim_end());
        }
        for word in ["-v", "--version"] {
            assert_eq!(layer_of(&[word]).unwrap_err(), Halt::Version);
        }
    }

    #[test]
    fn cmd_args_are_named_in_every_message_about_them() {
        let layer = parse_cmd_args("-w 4 -e 'A=b c'").unwrap();
        assert_eq!(layer.get("workers").unwrap().origin, Origin::CmdArgs);
        assert_eq!(value(&layer, "raw_env"), "['A=b c']");
        let message = |line| parse_cmd_args(line).unwrap_err().to_string();
        assert_eq!(
            message("-w four"),
            "workers = 'four' (GUNICORN_CMD_ARGS): not a whole number; give 1 or more"
        );
        assert!(message("--bogus").starts_with("unicoro: in GUNICORN_CMD_ARGS: no option --bogus"));
        assert!(message("-w '4").starts_with("GUNICORN_CMD_ARGS: a quote ' that is not closed;"));
    }
}
