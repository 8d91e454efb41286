//! Settings: one table drives command line, config file, environment, dump and help.
//!
//! Never runs Python, opens a socket or writes a log: it turns an `Invocation` into `Settings` or
//! into a `Stop`. The rule: what a source said (`Layers`) and what was resolved (`Settings`) are
//! two types, and everyone else reads only `Settings`.
//!
//! ```text
//! TABLE ──► defaults + PORT, WEB_CONCURRENCY ─┐ lowest
//!           config file ──────────────────────┤
//!           GUNICORN_CMD_ARGS ────────────────┼──► Layers ──► resolve ──► Settings
//!           command line ─────────────────────┘ highest
//! ```

mod bind;
mod cli;
mod convert;
mod error;
mod file;
mod gunicorn;
mod help;
mod layers;
mod nearest;
mod origin;
mod resolve;
mod setting;
mod settings;
mod stop;
mod table;
mod value;
mod words;
mod worker_class;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

pub use bind::Bind;
pub use error::{Complaint, ConfigError};
pub use file::{ConfigSource, FileValue, RunFile};
pub use origin::Origin;
pub use setting::{EnvDefault, Kind, Preset, Section, Setting, Spelling, Support};
pub use settings::{AppSpec, Settings};
pub use stop::Stop;
pub use table::TABLE;
pub use value::Value;
pub use worker_class::WorkerClass;

use file::ConfigFile;
use layers::{Layer, Layers};

/// How the process was started; kept for reloads.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Without the program's name.
    pub args: Vec<OsString>,
    /// The environment at the start.
    pub env: BTreeMap<String, String>,
    /// The directory of the start, absolute.
    pub cwd: PathBuf,
}

/// Reads every source and resolves the settings. Called again, unchanged, on a reload.
///
/// `run_file` runs the config file and hands back its global names; it is called at most once.
///
/// # Errors
///
/// `Stop::Print` when help, the version or the settings were asked for, `Stop::Usage` for an
/// unknown flag, `Stop::Error` for a wrong value, a config file that fails, or no application.
pub fn load(invocation: &Invocation, run_file: RunFile<'_>) -> Result<Settings, Stop> {
    let Invocation { args, env, cwd } = invocation;
    let command_line = cli::parse_arguments(args)?;
    let cmd_args = cli::parse_cmd_args(env.get("GUNICORN_CMD_ARGS").map_or("", String::as_str))?;
    let defaults = Layer::defaults(env, &cwd.display().to_string())?;
    let named = command_line.get("config").or_else(|| cmd_args.get("config"));
    let file = match ConfigFile::choose(named, cwd)? {
        Some(file) => file.read(run_file)?,
        None => Layer::default(),
    };
    let layers = Layers::new(vec![defaults, file, cmd_args, command_line]);
    let is_print = layers.top("print_config").is_some_and(|raw| raw.value == Value::Bool(true));
    let settings = resolve::resolve(layers, cwd)?;
    if is_print {
        return Err(Stop::Print(settings.print()));
    }
    require_app(&settings)?;
    Ok(settings)
}

fn require_app(settings: &Settings) -> Result<(), ConfigError> {
    if !settings.wsgi_app.0.is_empty() {
        return Ok(());
    }
    Err(ConfigError::new(
        "no application is named",
        "give it as an argument, unicoro MODULE:VARIABLE, or as wsgi_app in the config file",
    ))
}
