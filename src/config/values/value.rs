//! A setting's value as it was written, before its row says what it must be.
//!
//! Every source speaks this one type: words of a command line, environment variables, what a
//! Python config file left in its globals. It never knows which setting it belongs to. A reader
//! would be tempted to add variants for addresses or durations: those belong to `Settings`.

use std::fmt;

/// One plain value, or the name of a Python type that is none.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Python's `None`, or nothing given.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text.
    Str(String),
    /// A list, tuple or set, in order.
    List(Vec<Value>),
    /// A dict with text keys, in order.
    Map(Vec<(String, Value)>),
    /// A function or whatever else can be called.
    Callable {
        /// The function's name, for messages.
        name: String,
        /// How many arguments it takes by position; `None`: Python does not say.
        arguments: Option<usize>,
    },
    /// Something Python that is no plain value: a function, a module, a class, a path object.
    Object {
        /// The name of its Python type, e.g. `function`.
        type_name: String,
    },
}

impl Value {
    /// The value in a word or two for a message: `a number with a fraction`, `a list`.
    pub fn describe(&self) -> String {
        match self {
            Value::None => "None".into(),
            Value::Bool(_) => "True or False".into(),
            Value::Int(_) => "a whole number".into(),
            Value::Float(_) => "a number with a fraction".into(),
            Value::Str(_) => "text".into(),
            Value::List(_) => "a list".into(),
            Value::Map(_) => "a dict".into(),
            Value::Callable { arguments: Some(1), .. } => "a function of 1 argument".into(),
            Value::Callable { arguments: Some(count), .. } => {
                format!("a function of {count} arguments")
            }
            Value::Callable { arguments: None, .. } => "a function".into(),
            Value::Object { type_name } => format!("an object of type {type_name}"),
        }
    }
}

/// Written as Python writes it, so that lines of `--print-config` can go into a config file.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::None => f.write_str("None"),
            Value::Bool(true) => f.write_str("True"),
            Value::Bool(false) => f.write_str("False"),
            Value::Int(number) => write!(f, "{number}"),
            Value::Float(number) => write!(f, "{number:?}"),
            Value::Str(text) => write_text(f, text),
            Value::List(items) => {
                f.write_str("[")?;
                for (position, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if position == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Value::Map(pairs) => {
                f.write_str("{")?;
                for (position, (key, item)) in pairs.iter().enumerate() {
                    f.write_str(if position == 0 { "" } else { ", " })?;
                    write_text(f, key)?;
                    write!(f, ": {item}")?;
                }
                f.write_str("}")
            }
            Value::Callable { name, .. } => write!(f, "<function {name}>"),
            Value::Object { type_name } => write!(f, "<{type_name}>"),
        }
    }
}

/// Python's `repr` of text: single quotes unless only those occur inside.
fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    write!(f, "{quote}")?;
    for letter in text.chars() {
        match letter {
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '\\' => f.write_str("\\\\")?,
            letter if letter == quote => write!(f, "\\{letter}")?,
            letter if (letter as u32) < 0x20 || letter as u32 == 0x7f => {
                write!(f, "\\x{:02x}", letter as u32)?;
            }
            letter => write!(f, "{letter}")?,
        }
    }
    write!(f, "{quote}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_python_writes_them() {
        let list = Value::List(vec![Value::Str("a".into()), Value::Int(-1), Value::None]);
        assert_eq!(list.to_string(), "['a', -1, None]");
        let map = Value::Map(vec![("k".into(), Value::Float(2.0)), ("l".into(), list)]);
        assert_eq!(map.to_string(), "{'k': 2.0, 'l': ['a', -1, None]}");
        assert_eq!(Value::Str("it's".into()).to_string(), "\"it's\"");
        assert_eq!(Value::Str("'\"\\\n\u{1}".into()).to_string(), "'\\'\"\\\\\\n\\x01'");
        assert_eq!(Value::Object { type_name: "module".into() }.to_string(), "<module>");
    }
}
