//! Settings: one table drives command line, config file, environment, dump and help.
//!
//! Never runs Python, opens a socket or writes a log: it turns an `Invocation` into `Settings` or
//! into a `Halt`. The rule: what a source said (`Layers`) and what was resolved (`Settings`) are
//! two types, and everyone else reads only `Settings`.
//!
//! ```text
//! TABLE ──► defaults + PORT, WEB_CONCURRENCY ─┐ lowest
//!           config file ──────────────────────┤
//!           GUNICORN_CMD_ARGS ────────────────┼──► Layers ──► resolve ──► Settings
//!           command line ─────────────────────┘ highest
//! ```
//!
//! Its rooms stand in layer order: `values` (what can be written, and parsed), `table` (one row for each
//! setting, a file for each section), `out` (help, manual, completions, docs), `sources` (what each of them
//! says), `settings` (what is resolved).

mod values;

mod table;

mod out;

mod origin;

mod error;

mod halt;

mod sources;

mod settings;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

pub use error::ConfigError;
pub use halt::Halt;
pub use origin::Origin;
pub use settings::{
    AppSpec, AsgiSettings, HeaderMap, LogConfig, LogSettings, ProxyProtocol, Reload,
    RequestSettings, Settings, StatsdSettings, SyslogSettings, WebSocketCompression,
    WebSocketSettings,
};
pub use sources::file::{ConfigSource, FileValue, RunFile};
pub use table::setting::{EnvDefault, Kind, Preset, Section, Setting, Spelling, Support};
pub use table::{MAX_WORKERS, TABLE};
pub use values::bind::Bind;
pub use values::complaint::Complaint;
pub use values::networks::Networks;
pub use values::remote::{Remote, RemoteError};
pub use values::value::Value;
pub use values::worker_class::WorkerClass;

use settings::resolve;
use sources::cli;
use sources::file::ConfigFile;
use sources::layers::{Layer, Layers};

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
/// `Halt::Print` when help or the settings were asked for, `Halt::Version`, `Halt::Usage` for an unknown
/// flag, `Halt::Error` for a wrong value, a config file that fails, or no application.
pub fn load(invocation: &Invocation, run_file: RunFile<'_>) -> Result<Settings, Halt> {
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
    // gunicorn: printing implies a check, which needs an application.
    if is_print && settings.wsgi_app.0.is_empty() {
        return Err(Halt::Print(settings.print()));
    }
    require_app(&settings)?;
    Ok(settings)
}

/// Whether the command line alone asks for words, or is wrong: nothing else is read.
///
/// # Errors
/// `Halt::Print`, `Halt::Version` and `Halt::Usage`, as [`load`].
pub fn look_at_arguments(args: &[OsString]) -> Result<(), Halt> {
    cli::parse_arguments(args).map(drop)
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;
    use std::time::Duration;

    /// A directory of its own for each test, so that a config file can be there or not.
    fn directory(test: &str) -> PathBuf {
        let name = format!("unicoro-config-{}-{test}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(path.join("sub")).unwrap();
        path
    }

    fn invocation(cwd: &Path, line: &str, env: &[(&str, &str)]) -> Invocation {
        Invocation {
            args: line.split_whitespace().map(OsString::from).collect(),
            env: env.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
            cwd: cwd.to_owned(),
        }
    }

    fn load_line(line: &str) -> Result<Settings, Halt> {
        load_with(&invocation(Path::new("/proc/self"), line, &[]), &[])
    }

    fn load_with(invocation: &Invocation, file: &[(&str, Value)]) -> Result<Settings, Halt> {
        load(invocation, &mut |_| {
            let numbered = file.iter().zip(1..);
            let value = |((name, value), line): (&(&str, Value), u32)| FileValue {
                name: (*name).into(),
                value: value.clone(),
                line: Some(line),
            };
            Ok(numbered.map(value).collect())
        })
    }

    #[test]
    fn without_any_source_the_defaults_are_gunicorns() {
        let settings = load_line("app:app").unwrap();
        assert_eq!(settings.wsgi_app, AppSpec("app:app".into()));
        assert_eq!(settings.bind, [Bind::Tcp { host: "127.0.0.1".into(), port: 8000 }]);
        assert_eq!((settings.workers, settings.worker_class), (1, WorkerClass::Sync));
        assert_eq!((settings.backlog, settings.worker_connections), (2048, 1000));
        assert_eq!(settings.timeout, Some(Duration::from_secs(30)));
        assert_eq!(settings.graceful_timeout, Duration::from_secs(30));
        assert_eq!(settings.keepalive, Duration::from_secs(2));
        assert_eq!((settings.max_requests, settings.max_requests_jitter), (None, 0));
        assert_eq!(settings.requests.limit_request_line, Some(4094));
        assert_eq!(settings.requests.limit_request_fields, 100);
        assert_eq!(settings.requests.limit_request_field_size, Some(8190));
        assert_eq!((settings.logs.accesslog, settings.logs.errorlog.as_str()), (None, "-"));
        assert_eq!(settings.logs.loglevel, log::LevelFilter::Info);
        assert_eq!(settings.chdir, Path::new("/proc/self"));
        assert_eq!(settings.coroutine_stack_size, 8 << 20);
        assert_eq!((settings.umask, settings.pidfile), (0, None));
        assert!(!settings.preload_app && !settings.check_config);
        assert_eq!(settings.notices, Vec::<String>::new());
    }

    #[test]
    fn command_line_beats_cmd_args_beats_file_beats_environment_beats_default() {
        let cwd = directory("precedence");
        fs::write(cwd.join("gunicorn.conf.py"), "").unwrap();
        let file = [("workers", Value::Int(3)), ("wsgi_app", Value::Str("file:app".into()))];
        let workers = |line, env: &[(&str, &str)], file: &[(&str, Value)]| {
            load_with(&invocation(&cwd, line, env), file).unwrap().workers
        };
        let web = ("WEB_CONCURRENCY", "2");
        let cmd = ("GUNICORN_CMD_ARGS", "-w 4");
        assert_eq!(workers("app", &[], &[]), 1);
        assert_eq!(workers("app", &[web], &[]), 2);
        assert_eq!(workers("app", &[web], &file), 3);
        assert_eq!(workers("app", &[web, cmd], &file), 4);
        assert_eq!(workers("app -w 5", &[web, cmd], &file), 5);
        let settings = load_with(&invocation(&cwd, "", &[]), &file).unwrap();
        assert_eq!(settings.wsgi_app, AppSpec("file:app".into()));
        let settings = load_with(&invocation(&cwd, "line:app", &[]), &file).unwrap();
        assert_eq!(settings.wsgi_app, AppSpec("line:app".into()));
        fs::remove_dir_all(cwd).unwrap();
    }

    #[test]
    fn a_list_of_a_higher_layer_replaces_the_lower_one() {
        let cwd = directory("lists");
        fs::write(cwd.join("gunicorn.conf.py"), "").unwrap();
        let file = [("bind", Value::List(vec![Value::Str("a".into()), Value::Str("b".into())]))];
        let settings = load_with(&invocation(&cwd, "app -b c:1", &[]), &file).unwrap();
        assert_eq!(settings.bind, [Bind::Tcp { host: "c".into(), port: 1 }]);
        fs::remove_dir_all(cwd).unwrap();
    }

    #[test]
    fn the_config_file_is_the_command_lines_then_cmd_args_then_the_default_of_the_start() {
        let cwd = directory("which-file");
        for name in ["a.py", "b.py", "sub/gunicorn.conf.py"] {
            fs::write(cwd.join(name), "").unwrap();
        }
        let source = |line, env: &[(&str, &str)]| {
            let mut seen = None;
            load(&invocation(&cwd, line, env), &mut |source| {
                seen = Some(source.clone());
                Ok(Vec::new())
            })
            .unwrap();
            seen
        };
        let path = |name| Some(ConfigSource::Path(cwd.join(name)));
        let cmd = ("GUNICORN_CMD_ARGS", "-c b.py");
        assert_eq!(source("app -c a.py", &[cmd]), path("a.py"));
        assert_eq!(source("app", &[cmd]), path("b.py"));
        // Looked up where the process was started, not in --chdir.
        assert_eq!(source("app --chdir sub", &[]), None);
        fs::write(cwd.join("gunicorn.conf.py"), "").unwrap();
        assert_eq!(source("app --chdir sub", &[]), path("gunicorn.conf.py"));
        assert_eq!(source("app -c python:m", &[]), Some(ConfigSource::Module("m".into())));
        fs::remove_dir_all(cwd).unwrap();
    }

    #[test]
    fn a_config_file_that_fails_stops_with_its_own_error() {
        let invocation = invocation(Path::new("/proc/self"), "app -c status", &[]);
        let failure = ConfigError::new("ZeroDivisionError: division by zero", "repair the file");
        let stop = load(&invocation, &mut |_| Err(failure.clone())).unwrap_err();
        assert_eq!(stop, Halt::Error(failure));
        assert_eq!(stop.exit_code(), 1);
    }

    #[test]
    fn port_supplies_the_default_of_bind_and_is_blamed_for_it() {
        let port = |line, value| {
            load_with(&invocation(Path::new("/proc/self"), line, &[("PORT", value)]), &[])
        };
        let everywhere = Bind::Tcp { host: "0.0.0.0".into(), port: 5000 };
        assert_eq!(port("app", "5000").unwrap().bind, [everywhere]);
        assert_eq!(port("app -b :1", "x").unwrap().bind[0].to_string(), "http://0.0.0.0:1");
        assert_eq!(
            port("app", "x").unwrap_err().to_string(),
            "bind = '0.0.0.0:x' (environment variable PORT): 'x' is no port; give 0 to 65535"
        );
    }

    #[test]
    fn idle_connections_are_kept_longer_on_coroutine_unless_the_user_says_otherwise() {
        let keepalive = |line| load_line(line).unwrap().keepalive.as_secs();
        assert_eq!(keepalive("app -k coroutine"), 75);
        assert_eq!(keepalive("app -k gevent"), 75);
        assert_eq!(keepalive("app -k coroutine --keep-alive 2"), 2);
        assert_eq!(keepalive("app -k sync"), 2);
    }

    #[test]
    fn gevent_is_taken_as_coroutine_with_a_notice() {
        let settings = load_line("app -k gevent").unwrap();
        assert_eq!(settings.worker_class, WorkerClass::Coroutine);
        assert_eq!(settings.notices.len(), 1);
    }

    #[test]
    fn sync_with_more_than_one_thread_is_gthread() {
        let class = |line| load_line(line).unwrap().worker_class;
        assert_eq!(class("app --threads 4"), WorkerClass::Gthread);
        assert_eq!(class("app --threads 1"), WorkerClass::Sync);
        assert_eq!(class("app -k gthread"), WorkerClass::Gthread);
        assert_eq!(class("app -k coroutine --threads 4"), WorkerClass::Coroutine);
        assert_eq!(load_line("app -k coroutine --threads 4").unwrap().notices.len(), 1);
        assert_eq!(load_line("app -k gthread").unwrap().threads, 1);
        assert_eq!(load_line("app --threads 4").unwrap().keepalive.as_secs(), 2);
    }

    #[test]
    fn zero_turns_off_what_can_be_turned_off() {
        let line = "app -t 0 --keep-alive 0 --max-requests 0 --limit-request-line 0 \
                    --limit-request-fields 0 --limit-request-field_size 0";
        let settings = load_line(line).unwrap();
        assert_eq!((settings.timeout, settings.keepalive), (None, Duration::ZERO));
        assert_eq!((settings.max_requests, settings.requests.limit_request_line), (None, None));
        assert_eq!(settings.requests.limit_request_fields, 32_768);
        assert_eq!(settings.requests.limit_request_field_size, None);
        for line in ["app -w 0", "app --worker-connections 0", "app --backlog 0"] {
            assert!(load_line(line).unwrap_err().to_string().ends_with("below 1; give 1 or more"));
        }
    }

    #[test]
    fn paths_are_absolute_from_chdir_and_chdir_from_the_start() {
        let cwd = directory("paths");
        let line = "app --chdir sub --pythonpath lib,/opt -p run/pid --access-logfile a.log \
                    --log-file - -e A=1=2 -e B=";
        let settings = load_with(&invocation(&cwd, line, &[]), &[]).unwrap();
        assert_eq!(settings.chdir, cwd.join("sub"));
        assert_eq!(settings.pythonpath, [cwd.join("sub/lib"), "/opt".into()]);
        assert_eq!(settings.pidfile, Some(cwd.join("sub/run/pid")));
        assert_eq!(settings.logs.accesslog, Some(cwd.join("sub/a.log").display().to_string()));
        assert_eq!(settings.logs.errorlog, "-");
        let pairs = [("A", "1=2"), ("B", "")].map(|(key, value)| (key.into(), value.into()));
        assert_eq!(settings.raw_env, pairs);
        let stop = load_with(&invocation(&cwd, "app --chdir absent", &[]), &[]).unwrap_err();
        assert_eq!(
            stop.to_string(),
            "chdir = 'absent' (--chdir): no such directory; give a directory that exists"
        );
        fs::remove_dir_all(cwd).unwrap();
    }

    #[test]
    fn log_levels_are_gunicorns() {
        let level =
            |word: &str| load_line(&format!("app --log-level {word}")).unwrap().logs.loglevel;
        assert_eq!(level("debug"), log::LevelFilter::Debug);
        assert_eq!(level("WARNING"), log::LevelFilter::Warn);
        assert_eq!(level("error"), log::LevelFilter::Error);
        assert_eq!(level("critical"), log::LevelFilter::Off);
    }

    #[test]
    fn a_wrong_address_among_several_is_the_one_that_is_named() {
        assert_eq!(
            load_line("app -b :80 -b ::1").unwrap_err().to_string(),
            "bind = '::1' (--bind): more than one colon; put an IPv6 address in brackets: \
             [::1]:8000"
        );
    }

    #[test]
    fn no_application_is_an_error_unless_only_the_settings_are_printed() {
        let stop = load_line("").unwrap_err();
        assert!(stop.to_string().starts_with("no application is named; give it as an argument"));
        assert_eq!(stop.exit_code(), 1);
        assert_eq!(load_line("--check-config").unwrap_err(), stop);
        assert!(matches!(load_line("--print-config"), Err(Halt::Print(_))));
    }

    #[test]
    fn print_config_shows_every_setting_with_its_value_and_origin() {
        let cwd = directory("print");
        fs::write(cwd.join("gunicorn.conf.py"), "").unwrap();
        let env = [("PORT", "80"), ("GUNICORN_CMD_ARGS", "--max-requests 5")];
        let file = [("timeout", Value::Str("9".into())), ("tiemout", Value::Int(1))];
        let invocation = invocation(&cwd, "--print-config -k coroutine -w 2", &env);
        let Err(Halt::Print(text)) = load_with(&invocation, &file) else { panic!() };
        for setting in TABLE {
            let starts = |line: &&str| line.split(" ").next() == Some(setting.name);
            assert_eq!(text.lines().filter(starts).count(), 1, "{}", setting.name);
        }
        let words: Vec<String> = text
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        for line in [
            "workers = 2 # --workers",
            "max_requests = 5 # GUNICORN_CMD_ARGS",
            "timeout = 9 # gunicorn.conf.py:1",
            "bind = ['0.0.0.0:80'] # environment variable PORT",
            "keepalive = 75 # default",
            "# note: tiemout (gunicorn.conf.py:2): no such setting, ignored; did you mean timeout?",
        ] {
            assert!(words.iter().any(|word| word == line), "{line}\n{text}");
        }
        fs::remove_dir_all(cwd).unwrap();
    }

    #[test]
    fn a_server_that_is_to_speak_tls_does_not_start() {
        for line in ["--certfile a.pem", "--keyfile a.pem"] {
            let stop = load_line(&format!("app {line}")).unwrap_err();
            assert_eq!(stop.exit_code(), 1);
            let text = stop.to_string();
            assert!(text.contains("not supported; the server speaks plain HTTP only"), "{text}");
        }
    }

    #[test]
    fn a_reload_names_what_only_a_restart_takes_over() {
        let old = load_line("app").unwrap();
        let new = load_line("app --backlog 9 -w 3 --preload").unwrap();
        assert_eq!(old.needing_restart(&new), ["preload_app", "backlog"]);
        assert_eq!(old.needing_restart(&old), Vec::<&str>::new());
    }
}
