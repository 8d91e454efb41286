//! The command line: words to a layer of raw values. The only file that says `clap`.
//!
//! Flags come from the table; nothing here knows a single setting. Values are checked by their
//! kind, not by clap, so that a wrong one reads the same from every source. The rule: a flag given
//! twice means the last, as with gunicorn, and lists add up.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::error::ConfigError;
use super::gunicorn;
use super::help;
use super::layers::Layer;
use super::origin::Origin;
use super::setting::{Kind, Setting, Spelling};
use super::stop::Stop;
use super::table::TABLE;
use super::value::Value;
use super::words;

/// Reads the process's own arguments, without the program's name.
pub fn parse_arguments(arguments: &[OsString]) -> Result<Layer, Stop> {
    let matches = command()
        .try_get_matches_from(with_program(arguments.to_vec()))
        .map_err(|error| stop(&error, ""))?;
    Ok(layer(&matches, |setting| Origin::CommandLine { flag: setting.flag() })?)
}

/// Reads the words in `GUNICORN_CMD_ARGS`.
pub fn parse_cmd_args(line: &str) -> Result<Layer, Stop> {
    let words =
        words::split(line).map_err(|complaint| ConfigError::from(complaint).at(Origin::CmdArgs))?;
    let words = words.into_iter().map(OsString::from).collect();
    let matches = command()
        .try_get_matches_from(with_program(words))
        .map_err(|error| stop(&error, "in GUNICORN_CMD_ARGS: "))?;
    Ok(layer(&matches, |_| Origin::CmdArgs)?)
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
        .arg(Arg::new("help").short('h').long("help").action(ArgAction::Help))
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
        Kind::Int { .. } | Kind::Capped { .. } => argument.allow_negative_numbers(true),
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

fn stop(error: &clap::Error, place: &str) -> Stop {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Stop::Print(error.to_string()),
        _ => Stop::Usage(format!("unicoro: {place}{}", explain(error))),
    }
}

/// A flag of gunicorn's that has no row yet gets its own sentence; the rest is clap's to explain.
fn explain(error: &clap::Error) -> String {
    if let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg)
        && error.kind() == ErrorKind::UnknownArgument
        && gunicorn::not_yet_by_flag(flag).is_some()
    {
        return format!("gunicorn's flag {flag} is not supported yet; leave it out");
    }
    error.to_string()
}
