//! The `unicoro` command: settings, then the supervisor, then (in each fork) a worker.

mod host;
mod logs;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use pyo3::Py;
use pyo3::types::PyDict;
use unicoro::config::{Invocation, Settings, Stop};
use unicoro::logging::AccessLog;
use unicoro::supervisor::Options;
use unicoro::supervisor::inheritance::Inheritance;
use unicoro::supervisor::pidfile::PidFile;
use unicoro::sys::daemon::daemonize;
use unicoro::sys::signal::{leave_on_stop, remember_beginning};
use unicoro::{logging, python, supervisor, worker};

use crate::host::{WorkerHost, options, read_settings, title_of_master};
use crate::logs::{open_logs, open_own_logs};

/// The exit code for a command line that is not understood, as gunicorn's.
const USAGE: i32 = 2;

fn main() -> ExitCode {
    remember_beginning();
    leave_on_stop();
    // First, because it changes the environment.
    let inheritance = Inheritance::take();
    let arguments: Vec<_> = std::env::args_os().collect();
    let cwd = match start_directory() {
        Ok(cwd) => cwd,
        Err(error) => return fail(&format!("the current directory is gone: {error}"), 1),
    };
    // Variables that are no UTF-8 cannot be settings.
    let env: BTreeMap<_, _> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let invocation = Invocation { args: arguments[1..].to_vec(), env, cwd };
    let configuration = match read_settings(&invocation, &arguments) {
        Ok(configuration) => configuration,
        Err(stop @ Stop::Print(_)) => {
            // A reader that is gone (`| head`) is no error of ours.
            drop(writeln!(std::io::stdout(), "{stop}"));
            return ExitCode::SUCCESS;
        }
        // Its text names the program already.
        Err(Stop::Usage(text)) => return fail(text.trim_start_matches("unicoro: "), USAGE),
        Err(stop) => return fail(&stop.to_string(), stop.exit_code()),
    };
    let settings = &configuration.settings;
    let names = configuration.names.as_ref();
    // A new master of an upgrade is in the background already.
    let goes = settings.daemon && !settings.check_config && inheritance.parent.is_none();
    // An object of logger_class is made once, and there.
    let opened = if goes && settings.logger_class.is_some() {
        open_own_logs(settings)
    } else {
        open_logs(settings, names, &arguments)
    };
    let mut access_log = match opened {
        Ok(access_log) => access_log,
        Err(text) => return fail(&text, 1),
    };
    if settings.print_config {
        drop(write!(std::io::stdout(), "{}", settings.print()));
    }
    if settings.check_config {
        return match worker::check(settings, &arguments, names) {
            Ok(()) => ExitCode::SUCCESS,
            Err(text) => fail(&text, 1),
        };
    }
    if goes {
        access_log = match go_to_background(settings, names, &arguments) {
            Ok(access_log) => access_log,
            Err(text) => return fail(&text, 1),
        };
    }
    title_of_master(settings, if inheritance.parent.is_some() { ".2" } else { "" });
    for notice in &settings.notices {
        log::warn!("{notice}");
    }
    python::say_who_logs();
    let systemd = inheritance.systemd.clone();
    let options = match options(settings, &systemd) {
        Ok(options) => Options { inheritance, ..options },
        Err(text) => return fail(&text, 1),
    };
    let mut host = match WorkerHost::new(invocation, arguments, configuration, access_log, systemd)
    {
        Ok(host) => host,
        Err((code, text)) => return fail(&text, code),
    };
    let code = supervisor::run(&mut host, options);
    logging::finish();
    ExitCode::from(u8::try_from(code).unwrap_or(1))
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
) -> Result<Option<AccessLog>, String> {
    // Of the mistakes that a start finds later, the one that is made the most.
    settings
        .pidfile
        .as_deref()
        .map_or(Ok(()), PidFile::check)
        .map_err(|error| error.to_string())?;
    daemonize(python::fork, settings.enable_stdio_inheritance)
        .map_err(|error| format!("cannot go to the background: {error}"))?;
    // Nobody sees standard error.
    open_logs(settings, names, arguments)
        .inspect_err(|text| log::error!(target: logging::TRACEBACK, "{text}"))
}

fn fail(text: &str, code: i32) -> ExitCode {
    drop(writeln!(std::io::stderr(), "unicoro: {text}"));
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
