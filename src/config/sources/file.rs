//! The config file: which one is run, and what its global names mean.
//!
//! Never runs Python: the caller brings a function that does. The rule: a config file is an
//! ordinary program with helpers of its own, so a name that is no setting is never an error, and
//! a notice only when it can hardly be anything but a mistake.

use std::path::{Path, PathBuf};

use super::layers::{Layer, Raw};
use super::nearest::nearest;
use crate::config::error::ConfigError;
use crate::config::origin::Origin;
use crate::config::table::gunicorn;
use crate::config::table::setting::{Kind, Setting};
use crate::config::table::{self, TABLE};
use crate::config::values::value::Value;

/// The config file that is read when none is named, in the directory of the start.
const DEFAULT_FILE: &str = "gunicorn.conf.py";
/// The one setting that a file cannot give, since it says which file is read: in a config file
/// this name is a helper.
const NOT_FROM_FILE: &str = "config";

/// What to run as the config file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigSource {
    /// A file, as an absolute path.
    Path(PathBuf),
    /// A module to import.
    Module(String),
}

/// One global name that the config file left.
#[derive(Debug, Clone, PartialEq)]
pub struct FileValue {
    /// The name of the global.
    pub name: String,
    /// The value that the global has at the end of the file.
    pub value: Value,
    /// The line that assigned it last, if it is known.
    pub line: Option<u32>,
}

/// Runs a config file and hands back its global names.
pub type RunFile<'a> = &'a mut dyn FnMut(&ConfigSource) -> Result<Vec<FileValue>, ConfigError>;

/// A config file and how messages name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFile {
    source: ConfigSource,
    shown: PathBuf,
}

impl ConfigFile {
    /// The file that `-c` named, else the default file if it exists.
    pub fn choose(named: Option<&Raw>, cwd: &Path) -> Result<Option<ConfigFile>, ConfigError> {
        let Some(Raw { value: value @ Value::Str(text), origin }) = named else {
            let path = cwd.join(DEFAULT_FILE);
            let shown = PathBuf::from(DEFAULT_FILE);
            let is_there = path.exists();
            return Ok(is_there.then_some(ConfigFile { source: ConfigSource::Path(path), shown }));
        };
        if let Some(module) = text.strip_prefix("python:") {
            let source = ConfigSource::Module(module.into());
            return Ok(Some(ConfigFile { source, shown: text.into() }));
        }
        let shown = PathBuf::from(text.strip_prefix("file:").unwrap_or(text));
        let path = cwd.join(&shown);
        if !path.exists() {
            let error = ConfigError::new("no such file", "give the path of a Python file");
            return Err(error.of("config", value).at(origin.clone()));
        }
        Ok(Some(ConfigFile { source: ConfigSource::Path(path), shown }))
    }

    /// Runs the file and keeps what it says about settings.
    pub fn read(&self, run_file: RunFile<'_>) -> Result<Layer, ConfigError> {
        let mut layer = Layer::default();
        for FileValue { name, value, line } in run_file(&self.source)? {
            let origin = Origin::File { path: self.shown.clone(), line };
            match Meaning::of(&name, &value) {
                Meaning::Helper => {}
                Meaning::Setting(setting) => layer.set(setting, value, origin)?,
                Meaning::Notice(text) => layer.notices.push(format!("{name} ({origin}): {text}")),
            }
        }
        Ok(layer)
    }
}

/// What a global name of the config file is to us.
enum Meaning {
    Setting(&'static Setting),
    Notice(String),
    Helper,
}

impl Meaning {
    fn of(name: &str, value: &Value) -> Meaning {
        if name.starts_with('_') || name == NOT_FROM_FILE {
            return Meaning::Helper;
        }
        // gunicorn: a module that bears a setting's name is an error; it can only be an import.
        if is_module(value) {
            return Meaning::Helper;
        }
        if let Some(setting) = table::find(name) {
            return Meaning::Setting(setting);
        }
        if gunicorn::HOOKS.contains(&name) {
            let text = "this hook of gunicorn's is not supported yet; it is not called";
            return Meaning::Notice(text.into());
        }
        if gunicorn::is_not_yet(name) {
            let text = "this setting of gunicorn's is not supported yet; it has no effect";
            return Meaning::Notice(text.into());
        }
        Meaning::of_unknown(name, value)
    }

    fn of_unknown(name: &str, value: &Value) -> Meaning {
        let is_plain = !matches!(value, Value::Object { .. });
        let is_hook = matches!(value, Value::Object { type_name } if type_name == "function");
        let is_lower_case = name.chars().all(|letter| !letter.is_uppercase());
        let is_meant =
            |setting: &&Setting| is_plain || is_hook && matches!(setting.kind, Kind::Hook { .. });
        let rows = TABLE.iter().filter(is_meant).map(|setting| setting.name);
        let others = gunicorn::NOT_YET.iter().filter(|_| is_plain).map(|setting| setting.name);
        let known = rows.chain(others).filter(|known| *known != NOT_FROM_FILE);
        match nearest(name, known) {
            Some(near) if (is_plain || is_hook) && is_lower_case => {
                Meaning::Notice(format!("no such setting, ignored; did you mean {near}?"))
            }
            _ => Meaning::Helper,
        }
    }
}

fn is_module(value: &Value) -> bool {
    matches!(value, Value::Object { type_name } if type_name == "module")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[(&str, Value)]) -> Result<Layer, ConfigError> {
        let source = ConfigSource::Path("/srv/gunicorn.conf.py".into());
        let file = ConfigFile { source, shown: "gunicorn.conf.py".into() };
        file.read(&mut |_| {
            let numbered = values.iter().zip(1..);
            Ok(numbered
                .map(|((name, value), line)| FileValue {
                    name: (*name).into(),
                    value: value.clone(),
                    line: Some(line),
                })
                .collect())
        })
    }

    fn object(type_name: &str) -> Value {
        Value::Object { type_name: type_name.into() }
    }

    #[test]
    fn helpers_of_the_file_are_ignored_silently() {
        let layer = read(&[
            ("__name__", Value::Str("x".into())),
            ("_workers", Value::Int(1)),
            ("multiprocessing", object("module")),
            ("user", object("module")),
            ("count_cores", object("function")),
            ("Workers", Value::Int(1)),
            ("WORKERS", Value::Int(1)),
            ("cores", Value::Int(8)),
            ("database_url", Value::Str("x".into())),
            ("worker", object("function")),
            ("configs", Value::List(Vec::new())),
            ("config", Value::Map(Vec::new())),
        ])
        .unwrap();
        assert_eq!(layer.notices, Vec::<String>::new());
    }

    #[test]
    fn a_near_miss_a_hook_and_a_setting_without_a_row_get_one_notice_each() {
        let layer = read(&[
            ("worker", Value::Int(4)),
            ("ssl_context", object("function")),
            ("post_frok", object("function")),
            ("http_protocols", Value::Str("h2".into())),
        ])
        .unwrap();
        assert_eq!(
            layer.notices,
            [
                "worker (gunicorn.conf.py:1): no such setting, ignored; did you mean workers?",
                "ssl_context (gunicorn.conf.py:2): this hook of gunicorn's is not supported yet; \
                 it is not called",
                "post_frok (gunicorn.conf.py:3): no such setting, ignored; did you mean post_fork?",
                "http_protocols (gunicorn.conf.py:4): this setting of gunicorn's is not supported yet; \
                 it has no effect",
            ]
        );
    }

    #[test]
    fn a_wrong_value_names_file_and_line() {
        let error = read(&[("x", Value::None), ("workers", Value::Float(2.0))]).err().unwrap();
        assert_eq!(
            error.to_string(),
            "workers = 2.0 (gunicorn.conf.py:2): not a whole number; give 1 or more"
        );
    }

    #[test]
    fn c_names_a_path_or_a_module() {
        let choose = |text: &str| {
            let flag = Origin::CommandLine { flag: "--config".into() };
            let raw = Raw { value: Value::Str(text.into()), origin: flag };
            ConfigFile::choose(Some(&raw), Path::new("/proc/self"))
        };
        let status = ConfigSource::Path("/proc/self/status".into());
        for text in ["status", "file:status", "/proc/self/status", "file:/proc/self/status"] {
            assert_eq!(choose(text).unwrap().unwrap().source, status, "{text}");
        }
        let module = choose("python:my.conf").unwrap().unwrap();
        assert_eq!(module.source, ConfigSource::Module("my.conf".into()));
        assert_eq!(module.shown, PathBuf::from("python:my.conf"));
        assert_eq!(
            choose("absent.py").unwrap_err().to_string(),
            "config = 'absent.py' (--config): no such file; give the path of a Python file"
        );
    }
}
