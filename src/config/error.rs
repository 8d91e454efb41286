//! What can be wrong with a configuration. The fault is always the operator's.
//!
//! Never prints and never exits: `Halt` says how the process ends. A parser makes a `Complaint`
//! and does not know which setting it reads; whoever does know turns it into a `ConfigError`.

use std::fmt;

use super::origin::Origin;
use super::values::complaint::Complaint;
use super::values::value::Value;

/// A configuration that cannot be used: which setting, its value, where it came from, what is
/// wrong and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The setting's name, if one is to blame.
    pub setting: Option<String>,
    /// Its value as Python would write it.
    pub value: Option<String>,
    /// Where the value came from; boxed, so that a `Result` with this error stays small.
    pub origin: Option<Box<Origin>>,
    /// What is wrong and what to do.
    pub complaint: Complaint,
}

impl ConfigError {
    /// An error that no single setting is to blame for, such as a config file that raises.
    pub fn new(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Complaint::new(problem, remedy).into()
    }

    /// Names the setting and its value.
    pub fn of(mut self, setting: &str, value: &Value) -> Self {
        self.setting = Some(setting.to_owned());
        self.value = Some(value.to_string());
        self
    }

    /// Names where it came from.
    pub fn at(mut self, origin: Origin) -> Self {
        self.origin = Some(Box::new(origin));
        self
    }
}

impl From<Complaint> for ConfigError {
    fn from(complaint: Complaint) -> Self {
        ConfigError { setting: None, value: None, origin: None, complaint }
    }
}

impl std::error::Error for ConfigError {}

/// `workers = 'four' (gunicorn.conf.py:3): not a whole number; give 1 or more`
impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = match (&self.setting, &self.value) {
            (Some(setting), Some(value)) => format!("{setting} = {value}"),
            (Some(setting), None) => setting.clone(),
            (None, _) => String::new(),
        };
        match (subject.as_str(), &self.origin) {
            ("", None) => {}
            ("", Some(origin)) => write!(f, "{origin}: ")?,
            (subject, None) => write!(f, "{subject}: ")?,
            (subject, Some(origin)) => write!(f, "{subject} ({origin}): ")?,
        }
        write!(f, "{}", self.complaint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_setting_value_origin_problem_and_remedy() {
        let bare = ConfigError::new("not a whole number", "give 1 or more");
        assert_eq!(bare.to_string(), "not a whole number; give 1 or more");
        let origin = Origin::File { path: "gunicorn.conf.py".into(), line: Some(3) };
        let placed = bare.clone().at(origin.clone());
        assert_eq!(placed.to_string(), "gunicorn.conf.py:3: not a whole number; give 1 or more");
        let full = bare.of("workers", &Value::Str("four".into())).at(origin);
        assert_eq!(
            full.to_string(),
            "workers = 'four' (gunicorn.conf.py:3): not a whole number; give 1 or more"
        );
    }
}
