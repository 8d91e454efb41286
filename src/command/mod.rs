//! The `unicoro` command: settings, then the supervisor, then (in each fork) a worker. Its doors, the
//! executable that cargo builds and the wheel's library, do nothing but come in here.

mod failure;
mod host;
mod logs;
mod start;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use pyo3::Py;
use pyo3::types::PyDict;
use unicoro_sys::daemon::daemonize;
use unicoro_sys::fd::open_standard_streams;
use unicoro_sys::signal::{end_by_stop, leave_on_stop, remember_beginning};

use crate::config::{self, Halt, Invocation, Settings};
use crate::listening::foreseen;
use crate::logging::AccessLog;
use crate::supervisor::Options;
use crate::supervisor::inheritance::Inheritance;
use crate::supervisor::pidfile::PidFile;
use crate::{engines, logging, python, supervisor, worker};

use self::failure::Failure;
use self::host::{WorkerHost, options, read_settings, title_of_master};
use self::logs::{open_logs, open_own_logs};

pub use self::start::{Door, Start};

static INHERITANCE: OnceLock<Inheritance> = OnceLock::new();

/// What comes first of all, while the process has one thread and nobody has read its environment.
pub fn begin() {
    // std has done so for the executable. Without /dev/null the logs say what is missing.
    drop(open_standard_streams());
    remember_beginning();
    engines::find_endings();
    leave_on_stop();
    INHERITANCE.get_or_init(Inheritance::take);
}

/// Serves until it is told to stop; the exit code.
#[must_use]
pub fn run(start: &Start) -> u8 {
    let code = match serve(start) {
        Ok(code) => code,
        Err(Failure::Settings(Halt::Version)) => print(&start.version()),
        Err(Failure::Settings(halt @ Halt::Print(_))) => print(&halt),
        Err(failure) => {
            let text = failure.to_string();
            // What is wrong with the command line names the program already.
            let text = text.trim_start_matches("unicoro: ");
            drop(writeln!(io::stderr(), "unicoro: {text}"));
            failure.exit_code()
        }
    };
    u8::try_from(code).unwrap_or(1)
}

/// A reader that is gone (`| head`) is no error of ours.
fn print(text: &dyn fmt::Display) -> i32 {
    drop(writeln!(io::stdout(), "{text}"));
    0
}

/// The exit code of a server that has run.
fn serve(start: &Start) -> Result<i32, Failure> {
    let inheritance = INHERITANCE.get().cloned().unwrap_or_default();
    let arguments = &start.arguments;
    let invocation = invocation(arguments)?;
    let configuration = read_settings(&invocation, arguments)?;
    let settings = &configuration.settings;
    let names = configuration.names.as_ref();
    if settings.check_config || settings.preload_app {
        end_by_stop();
    }
    // A new master of an upgrade is in the background already.
    let goes = settings.daemon && !settings.check_config && inheritance.parent.is_none();
    // An object of logger_class is made once, and there.
    let mut access_log = if goes && settings.logs.logger_class.is_some() {
        open_own_logs(settings)?
    } else {
        open_logs(settings, names, arguments)?
    };
    if settings.print_config {
        let python = python::description();
        drop(write!(io::stdout(), "# {python}\n{}", settings.print()));
    }
    if settings.check_config {
        // Those are part of what is printed.
        if !settings.print_config {
            warn_of_notices(settings);
        }
        engines::choose(settings).engine.check().map_err(Failure::Engine)?;
        options(settings, &[])?.binds.iter().try_for_each(foreseen::check)?;
        return worker::check(settings, arguments, names).map(|()| 0).map_err(Failure::Check);
    }
    if goes {
        access_log = go_to_background(settings, names, arguments)?;
    }
    title_of_master(settings, if inheritance.parent.is_some() { ".2" } else { "" });
    warn_of_notices(settings);
    python::say_who_logs();
    let systemd = inheritance.systemd.clone();
    let options = Options { inheritance, ..options(settings, &systemd)? };
    let mut host = WorkerHost::new(invocation, start.clone(), configuration, access_log, systemd)?;
    let code = supervisor::run(&mut host, options);
    logging::finish();
    Ok(code)
}

fn warn_of_notices(settings: &Settings) {
    settings.notices.iter().for_each(|notice| log::warn!("{notice}"));
}

fn invocation(arguments: &[OsString]) -> Result<Invocation, Failure> {
    let args = arguments[1..].to_vec();
    let cwd = match start_directory() {
        Ok(cwd) => cwd,
        // Whoever asks for words has them anywhere.
        Err(error) => {
            config::look_at_arguments(&args)?;
            return Err(Failure::CurrentDirectory(error));
        }
    };
    // Variables that are no UTF-8 cannot be settings.
    let env: BTreeMap<_, _> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    Ok(Invocation { args, env, cwd })
}

/// As the shell has entered it, if PWD says so: behind a symlink that is switched, a reload and an upgrade
/// find the new release.
fn start_directory() -> io::Result<PathBuf> {
    let directory = std::env::current_dir()?;
    let file = |path: &Path| path.metadata().map(|found| (found.dev(), found.ino())).ok();
    let is_it = |path: &PathBuf| path.is_absolute() && file(path) == file(&directory);
    Ok(std::env::var_os("PWD").map(PathBuf::from).filter(is_it).unwrap_or(directory))
}

/// After the first look at the logs, so that a mistake there is seen in the terminal; and then the
/// logs once more, since standard error is another one now.
fn go_to_background(
    settings: &Settings,
    names: Option<&Py<PyDict>>,
    arguments: &[OsString],
) -> Result<Option<AccessLog>, Failure> {
    // Of the mistakes that a start finds later, the one that is made the most.
    settings.pidfile.as_deref().map_or(Ok(()), PidFile::check)?;
    daemonize(python::fork, settings.enable_stdio_inheritance).map_err(Failure::Background)?;
    // Nobody sees standard error.
    open_logs(settings, names, arguments)
        .inspect_err(|failure| log::error!(target: logging::TRACEBACK, "{failure}"))
}
