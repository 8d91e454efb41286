//! Raw values by layer: what each source said, before one of them wins.
//!
//! Never makes typed values: that is `resolve`. Every value is checked when it enters its layer,
//! so a wrong one is an error even where a higher layer would win. The rule: layers are given
//! lowest first, and a higher one replaces a setting as a whole, lists included.

use std::collections::BTreeMap;

use super::convert::convert;
use crate::config::error::ConfigError;
use crate::config::origin::Origin;
use crate::config::table::TABLE;
use crate::config::table::setting::{Kind, Preset, Setting, Support};
use crate::config::values::complaint::Complaint;
use crate::config::values::value::Value;

/// One value in its kind's shape, and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Raw {
    /// In the shape that `convert` gives it.
    pub value: Value,
    /// Where the value came from.
    pub origin: Origin,
}

/// What one source said.
#[derive(Debug, Default)]
pub struct Layer {
    values: BTreeMap<&'static str, Raw>,
    /// What the log should say about values that were taken, but not as written.
    pub notices: Vec<String>,
}

impl Layer {
    /// The lowest layer: each row's default, or what its environment variable says.
    pub fn defaults(
        env: &BTreeMap<String, String>,
        start_directory: &str,
    ) -> Result<Layer, ConfigError> {
        let mut layer = Layer::default();
        for setting in TABLE {
            let preset = setting.default.value(start_directory);
            layer.values.insert(setting.name, Raw { value: preset, origin: Origin::Default });
            let Some(source) = setting.env else { continue };
            // gunicorn: an empty variable is an error there; here it counts as not set, since
            // container files often leave one behind. But no addresses are no addresses: who trusts
            // nobody must not get the default.
            let may_be_empty = setting.kind == Kind::Csv;
            let given = env.get(source.variable);
            let given = given.filter(|content| may_be_empty || !content.trim().is_empty());
            if let Some(content) = given {
                let value = Value::Str(format!("{}{}", source.prefix, content.trim()));
                layer.set(setting, value, Origin::Env(source.variable))?;
            }
        }
        Ok(layer)
    }

    /// Checks and keeps a value.
    pub fn set(
        &mut self,
        setting: &'static Setting,
        value: Value,
        origin: Origin,
    ) -> Result<(), ConfigError> {
        let blame = |complaint: Complaint| {
            ConfigError::from(complaint).of(setting.name, &value).at(origin.clone())
        };
        let converted = if means_none(setting, &value) {
            Value::None
        } else {
            convert(setting.kind, &value).map_err(blame)?
        };
        let is_default = converted == setting.default.value("");
        let supported =
            if is_default { None } else { judge_support(setting.support).map_err(blame)? };
        let (converted, capped) = cap(setting.kind, converted);
        for note in supported.into_iter().chain(capped) {
            self.notices.push(format!("{} = {value} ({origin}): {note}", setting.name));
        }
        self.values.insert(setting.name, Raw { value: converted, origin });
        Ok(())
    }

    /// What this source said of a setting.
    pub fn get(&self, name: &str) -> Option<&Raw> {
        self.values.get(name)
    }
}

/// None and empty text are the same where there may be no value: `accesslog = ''`.
fn means_none(setting: &Setting, value: &Value) -> bool {
    let is_empty = match value {
        Value::None => true,
        Value::Str(text) => text.trim().is_empty(),
        _ => false,
    };
    is_empty && setting.default == Preset::None
}

fn judge_support(support: Support) -> Result<Option<String>, Complaint> {
    match support {
        Support::Works => Ok(None),
        Support::Accepted { why } => Ok(Some(format!("taken, but without effect: {why}"))),
        Support::Refused { alternative } => Err(Complaint::new("not supported", alternative)),
    }
}

/// gunicorn: a limit above the most there is means that most, without a word; here with one.
fn cap(kind: Kind, value: Value) -> (Value, Option<String>) {
    match (kind, &value) {
        (Kind::Capped { cap }, Value::Int(number)) if *number > cap => {
            (Value::Int(cap), Some(format!("{cap} is the most there is and is used")))
        }
        _ => (value, None),
    }
}

/// All layers, lowest first.
#[derive(Debug)]
pub struct Layers(Vec<Layer>);

impl Layers {
    /// From the lowest to the highest; the lowest has every setting.
    pub fn new(layers: Vec<Layer>) -> Self {
        Layers(layers)
    }

    /// The value that wins.
    pub fn top(&self, name: &str) -> Option<&Raw> {
        self.0.iter().rev().find_map(|layer| layer.get(name))
    }

    /// Replaces the defaults that differ on the coroutine engine.
    pub fn use_coroutine_defaults(&mut self) {
        let Some(defaults) = self.0.first_mut() else { return };
        for setting in TABLE {
            let Some(preset) = setting.default_on_coroutine else { continue };
            if let Some(raw) = defaults.values.get_mut(setting.name)
                && raw.origin == Origin::Default
            {
                raw.value = preset.value("");
            }
        }
    }

    /// The notices of all layers, lowest first.
    pub fn notices(&self) -> Vec<String> {
        self.0.iter().flat_map(|layer| layer.notices.iter().cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::table::find;

    #[test]
    fn every_default_already_has_the_shape_of_its_kind() {
        let layer = Layer::defaults(&BTreeMap::new(), "/srv").unwrap();
        for setting in TABLE {
            let raw = layer.get(setting.name).unwrap();
            if raw.value != Value::None {
                assert_eq!(convert(setting.kind, &raw.value).unwrap(), raw.value);
            }
            assert_eq!(raw.origin, Origin::Default);
        }
    }

    #[test]
    fn environment_variables_supply_defaults_unless_empty() {
        let env = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
        };
        let layer =
            Layer::defaults(&env(&[("PORT", "80"), ("WEB_CONCURRENCY", " ")]), "/").unwrap();
        assert_eq!(layer.get("bind").unwrap().value.to_string(), "['0.0.0.0:80']");
        assert_eq!(layer.get("bind").unwrap().origin, Origin::Env("PORT"));
        assert_eq!(layer.get("workers").unwrap().origin, Origin::Default);
        let error = Layer::defaults(&env(&[("WEB_CONCURRENCY", "four")]), "/").unwrap_err();
        assert_eq!(
            error.to_string(),
            "workers = 'four' (environment variable WEB_CONCURRENCY): not a whole number; give 1 \
             or more"
        );
    }

    #[test]
    fn a_limit_above_its_cap_is_capped_with_a_notice() {
        let mut layer = Layer::default();
        let setting = find("limit_request_line").unwrap();
        layer.set(setting, Value::Int(10_000), Origin::CmdArgs).unwrap();
        assert_eq!(layer.get("limit_request_line").unwrap().value, Value::Int(8190));
        assert_eq!(
            layer.notices,
            [
                "limit_request_line = 10000 (GUNICORN_CMD_ARGS): 8190 is the most there is and is used"
            ]
        );
    }

    #[test]
    fn an_accepted_setting_gets_a_notice_and_a_refused_one_an_error() {
        let why = Support::Accepted { why: "the heartbeat is in shared memory" };
        let note = judge_support(why).unwrap().unwrap();
        assert_eq!(note, "taken, but without effect: the heartbeat is in shared memory");
        let refused = Support::Refused { alternative: "use wsgi_app" };
        assert_eq!(judge_support(refused).unwrap_err().to_string(), "not supported; use wsgi_app");
    }

    #[test]
    fn none_or_empty_text_unsets_only_where_there_may_be_no_value() {
        let mut layer = Layer::default();
        for empty in [Value::None, Value::Str(" ".into())] {
            layer.set(find("accesslog").unwrap(), empty.clone(), Origin::CmdArgs).unwrap();
            assert_eq!(layer.get("accesslog").unwrap().value, Value::None);
            assert!(layer.set(find("errorlog").unwrap(), empty, Origin::CmdArgs).is_err());
        }
    }
}
