//! The values that win, in the shape that their kind gave them.
//!
//! The rule: a mistake is blamed on the one value that made it, with its origin.

use std::time::Duration;

use crate::config::error::ConfigError;
use crate::config::sources::layers::{Layers, Raw};
use crate::config::table::TABLE;
use crate::config::values::complaint::Complaint;
use crate::config::values::networks::Networks;
use crate::config::values::value::Value;

/// One resolved setting as `--print-config` shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Winner {
    pub name: &'static str,
    pub raw: Raw,
}

/// Reads winning values in the shape that their kind gave them.
pub struct Winners<'a>(&'a Layers);

impl<'a> Winners<'a> {
    /// The winners of these layers.
    pub fn new(layers: &'a Layers) -> Self {
        Winners(layers)
    }

    pub fn raw(&self, name: &str) -> Result<&Raw, ConfigError> {
        self.0.top(name).ok_or_else(|| disagreement(name))
    }

    pub fn int<Number: TryFrom<i64>>(&self, name: &str) -> Result<Number, ConfigError> {
        match self.raw(name)?.value {
            Value::Int(number) => Number::try_from(number).map_err(|_| disagreement(name)),
            _ => Err(disagreement(name)),
        }
    }

    /// Seconds, of which 0 means never.
    pub fn seconds(&self, name: &str) -> Result<Option<Duration>, ConfigError> {
        let time = match self.raw(name)?.value {
            Value::Float(seconds) => {
                Duration::try_from_secs_f64(seconds).map_err(|_| disagreement(name))?
            }
            _ => Duration::from_secs(self.int(name)?),
        };
        Ok((!time.is_zero()).then_some(time))
    }

    pub fn pairs(&self, name: &str) -> Result<Vec<(String, String)>, ConfigError> {
        let pair = |(key, item): &(String, Value)| match item {
            Value::Str(text) => Ok((key.clone(), text.clone())),
            _ => Err(disagreement(name)),
        };
        match &self.raw(name)?.value {
            Value::Map(pairs) => pairs.iter().map(pair).collect(),
            _ => Err(disagreement(name)),
        }
    }

    pub fn flag(&self, name: &str) -> Result<bool, ConfigError> {
        match self.raw(name)?.value {
            Value::Bool(on) => Ok(on),
            _ => Err(disagreement(name)),
        }
    }

    pub fn text(&self, name: &str) -> Result<String, ConfigError> {
        self.optional_text(name)?.ok_or_else(|| disagreement(name))
    }

    pub fn optional_text(&self, name: &str) -> Result<Option<String>, ConfigError> {
        match &self.raw(name)?.value {
            Value::None => Ok(None),
            Value::Str(text) => Ok(Some(text.clone())),
            _ => Err(disagreement(name)),
        }
    }

    pub fn texts(&self, name: &str) -> Result<Vec<String>, ConfigError> {
        let text = |item: &Value| match item {
            Value::Str(text) => Ok(text.clone()),
            _ => Err(disagreement(name)),
        };
        match &self.raw(name)?.value {
            Value::None => Ok(Vec::new()),
            Value::List(items) => items.iter().map(text).collect(),
            _ => Err(disagreement(name)),
        }
    }

    pub fn blame(&self, name: &str, complaint: Complaint) -> ConfigError {
        match self.raw(name) {
            Ok(raw) => ConfigError::from(complaint).of(name, &raw.value).at(raw.origin.clone()),
            Err(error) => error,
        }
    }

    /// gunicorn: without proc_name the title has the application's name.
    pub fn proc_name(&self) -> Result<String, ConfigError> {
        for name in ["proc_name", "default_proc_name", "wsgi_app"] {
            if let Some(text) = self.optional_text(name)? {
                return Ok(text);
            }
        }
        Ok(String::new())
    }

    /// Peers that are trusted.
    pub fn networks(&self, name: &str) -> Result<Networks, ConfigError> {
        let mut networks = Networks::default();
        for text in self.texts(name)? {
            networks
                .add(&text)
                .map_err(|complaint| self.blame(name, complaint).of(name, &Value::Str(text)))?;
        }
        Ok(networks)
    }

    /// All of them, in the order of the table.
    pub fn all(&self) -> Result<Vec<Winner>, ConfigError> {
        let winner = |name| Ok(Winner { name, raw: self.raw(name)?.clone() });
        TABLE.iter().map(|setting| winner(setting.name)).collect()
    }
}

/// Ours: a row's kind is not what its field reads. The test that resolves the defaults finds it.
fn disagreement(name: &str) -> ConfigError {
    let mut error = ConfigError::new(
        "the table of settings and its reader disagree",
        "this is a bug in unicoro, please report it",
    );
    error.setting = Some(name.to_owned());
    error
}

/// What turns off what can be turned off.
pub fn none_if_zero<Number: PartialEq + Default>(number: Number) -> Option<Number> {
    (number != Number::default()).then_some(number)
}
