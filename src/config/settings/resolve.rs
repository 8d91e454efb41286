//! From layers of raw values to `Settings`.
//!
//! Never looks at a source again; of the file system it asks only whether `chdir` exists. The
//! rule: a mistake is blamed on the one value that made it, with its origin.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use unicoro_sys::credentials::{self, Identity};

use super::winners::{Winners, none_if_zero};
use super::{AppSpec, Reload, Settings, asgi, logs, requests, websockets};
use crate::config::error::ConfigError;
use crate::config::origin::Origin;
use crate::config::sources::layers::Layers;
use crate::config::values::bind::Bind;
use crate::config::values::complaint::Complaint;
use crate::config::values::value::Value;
use crate::config::values::worker_class::WorkerClass;

/// Makes the settings; `cwd` is the directory of the start.
pub fn resolve(mut layers: Layers, cwd: &Path) -> Result<Settings, ConfigError> {
    let (worker_class, notes) = worker_class(&layers)?;
    if worker_class == WorkerClass::Coroutine {
        layers.use_coroutine_defaults();
    }
    let winners = Winners::new(&layers);
    let chdir = chdir(&winners, cwd)?;
    let from_chdir = |path: &String| chdir.join(path);
    Ok(Settings {
        wsgi_app: AppSpec(winners.optional_text("wsgi_app")?.unwrap_or_default()),
        pythonpath: winners.texts("pythonpath")?.iter().map(from_chdir).collect(),
        raw_env: raw_env(&winners)?,
        preload_app: preload_app(&winners)?,
        bind: bind(&winners)?,
        backlog: winners.int("backlog")?,
        umask: winners.int("umask")?,
        workers: winners.int("workers")?,
        worker_class,
        threads: winners.int("threads")?,
        worker_connections: winners.int("worker_connections")?,
        requests_in_progress: NonZeroUsize::new(winners.int("requests_in_progress")?),
        carriers: winners.int("carriers")?,
        coroutine_stack_size: winners.int("coroutine_stack_size")?,
        switch_interval: none_if_zero(winners.int("switch_interval")?).map(Duration::from_millis),
        blocked_after: none_if_zero(winners.int("blocked_after")?).map(Duration::from_secs),
        max_requests: none_if_zero(winners.int("max_requests")?),
        max_requests_jitter: winners.int("max_requests_jitter")?,
        timeout: winners.seconds("timeout")?,
        request_timeout: winners.seconds("request_timeout")?,
        graceful_timeout: Duration::from_secs(winners.int("graceful_timeout")?),
        keepalive: Duration::from_secs(winners.int("keepalive")?),
        asgi: asgi::resolve(&winners)?,
        requests: requests::resolve(&winners)?,
        websockets: websockets::resolve(&winners)?,
        logs: logs::resolve(&winners, &chdir)?,
        pidfile: winners.optional_text("pidfile")?.as_ref().map(from_chdir),
        reload: reload(&winners, &chdir)?,
        sendfile: winners.raw("sendfile")?.value != Value::Bool(false),
        reuse_port: winners.flag("reuse_port")?,
        daemon: winners.flag("daemon")?,
        enable_stdio_inheritance: winners.flag("enable_stdio_inheritance")?,
        identity: identity(&winners)?,
        proc_name: winners.proc_name()?,
        spew: winners.flag("spew")?,
        print_config: winners.flag("print_config")?,
        check_config: winners.flag("check_config")? || winners.flag("print_config")?,
        notices: layers.notices().into_iter().chain(notes).collect(),
        shown: winners.all()?,
        start_directory: cwd.to_owned(),
        chdir,
    })
}

fn worker_class(layers: &Layers) -> Result<(WorkerClass, Vec<String>), ConfigError> {
    let winners = Winners::new(layers);
    let name = winners.text("worker_class")?;
    let (class, note) =
        WorkerClass::parse(&name).map_err(|complaint| winners.blame("worker_class", complaint))?;
    let has_threads = winners.int::<usize>("threads")? > 1;
    let class = if has_threads { class.with_threads() } else { class };
    let idle = (has_threads && class == WorkerClass::Coroutine).then(|| {
        "threads has no effect on coroutine: each request has a green thread of its own".to_owned()
    });
    Ok((class, note.into_iter().chain(idle).collect()))
}

fn chdir(winners: &Winners<'_>, cwd: &Path) -> Result<PathBuf, ConfigError> {
    // The default shows `cwd`, but as text, which it need not be.
    if winners.raw("chdir")?.origin == Origin::Default {
        return Ok(cwd.to_owned());
    }
    let directory = cwd.join(winners.text("chdir")?);
    if directory.is_dir() {
        return Ok(directory);
    }
    let complaint = Complaint::new("no such directory", "give a directory that exists");
    Err(winners.blame("chdir", complaint))
}

fn bind(winners: &Winners<'_>) -> Result<Vec<Bind>, ConfigError> {
    let texts = winners.texts("bind")?;
    if texts.is_empty() {
        // gunicorn: starts without a listener, and nobody can reach it.
        let complaint = Complaint::new("no address", "give at least one, such as 127.0.0.1:8000");
        return Err(winners.blame("bind", complaint));
    }
    let parse = |text: &String| {
        let blame =
            |complaint| winners.blame("bind", complaint).of("bind", &Value::Str(text.clone()));
        Bind::parse(text).map_err(blame)
    };
    texts.iter().map(parse).collect()
}

fn raw_env(winners: &Winners<'_>) -> Result<Vec<(String, String)>, ConfigError> {
    let texts = winners.texts("raw_env")?;
    let pairs = texts.iter().filter_map(|text| text.split_once('='));
    Ok(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
}

/// New code is the point of a reload in development.
fn preload_app(winners: &Winners<'_>) -> Result<bool, ConfigError> {
    Ok(winners.flag("preload_app")? && !winners.flag("reload")?)
}

fn reload(winners: &Winners<'_>, chdir: &Path) -> Result<Option<Reload>, ConfigError> {
    let by_inotify = match winners.text("reload_engine")?.as_str() {
        "inotify" => Some(true),
        "poll" => Some(false),
        _ => None,
    };
    let extra_files =
        winners.texts("reload_extra_files")?.iter().map(|path| chdir.join(path)).collect();
    Ok(winners.flag("reload")?.then_some(Reload { by_inotify, extra_files }))
}

fn identity(winners: &Winners<'_>) -> Result<Identity, ConfigError> {
    let look_up = |name, find: fn(&str) -> Option<u32>, what| {
        let Some(text) = winners.optional_text(name)? else { return Ok(None) };
        let id = text.parse().ok().or_else(|| find(&text));
        let complaint =
            || Complaint::new(format!("no such {what}"), "give a name that exists, or a number");
        id.map(Some).ok_or_else(|| winners.blame(name, complaint()))
    };
    let uid = look_up("user", credentials::user_id, "user")?;
    let gid = look_up("group", credentials::group_id, "group")?;
    Ok(Identity { uid, gid, initgroups: winners.flag("initgroups")? })
}
