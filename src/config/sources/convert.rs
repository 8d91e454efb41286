//! Makes a value fit its kind, or complains.
//!
//! Never knows the setting's name: the caller names it. Afterwards a value of a kind has one
//! shape (`Int` for whole numbers, `Float` for those with a fraction, `Bool` for flags, `Str` for text, `List` of `Str` for lists), whether
//! it came from a command line, a variable or a Python file.

use crate::config::table::setting::Kind;
use crate::config::values::complaint::Complaint;
use crate::config::values::number::{bytes, int, mode, seconds};
use crate::config::values::value::Value;

/// The value in its kind's shape. `None` is for the caller to judge.
pub fn convert(kind: Kind, value: &Value) -> Result<Value, Complaint> {
    match kind {
        Kind::Int { min, max } => int(value, min, max),
        Kind::Capped { .. } => int(value, 0, i64::MAX),
        Kind::Seconds { max } => seconds(value, max),
        Kind::Bytes { min, max, multiple } => bytes(value, min, max, multiple),
        Kind::Mode => mode(value),
        Kind::Flag => flag(value),
        Kind::FlagOff => flag(&spelled_out(value)),
        Kind::Text => not_empty(text(value)?),
        // gunicorn: None is empty, as `os.getenv` gives it.
        Kind::MaybeEmpty if *value == Value::None => Ok(Value::Str(String::new())),
        Kind::MaybeEmpty => text(value),
        Kind::NameOrId => name_or_id(value),
        Kind::List => list(value, |text| vec![text]),
        Kind::Csv => list(value, |text| text.split(',').map(str::to_owned).collect()),
        Kind::Pairs => pairs(value),
        Kind::Choice(words) => choice(value, words),
        Kind::Hook { arguments } => hook(value, arguments),
        Kind::Switch { words, bare } => switch(value, words, bare),
        Kind::Map => map(value),
        Kind::Dict => dict(value),
    }
}

fn flag(value: &Value) -> Result<Value, Complaint> {
    match value {
        Value::Bool(on) => Ok(Value::Bool(*on)),
        // gunicorn: None is false there too.
        Value::None => Ok(Value::Bool(false)),
        Value::Str(text) if text.trim().eq_ignore_ascii_case("true") => Ok(Value::Bool(true)),
        Value::Str(text) if text.trim().eq_ignore_ascii_case("false") => Ok(Value::Bool(false)),
        _ => Err(Complaint::new("neither true nor false", "give True or False")),
    }
}

/// gunicorn: SENDFILE, the variable behind the one flag of this kind, knows these words.
// gunicorn: takes any other word for no.
fn spelled_out(value: &Value) -> Value {
    let Value::Str(text) = value else { return value.clone() };
    match text.trim().to_ascii_lowercase().as_str() {
        "yes" | "y" | "1" | "on" => Value::Bool(true),
        "no" | "n" | "0" | "off" => Value::Bool(false),
        _ => value.clone(),
    }
}

fn text(value: &Value) -> Result<Value, Complaint> {
    match value {
        Value::Str(text) if text.contains('\0') => {
            Err(Complaint::new("a zero byte in the text", "take it out"))
        }
        Value::Str(text) => Ok(Value::Str(text.trim().into())),
        other => Err(Complaint::new(format!("{}, not text", other.describe()), "give text")),
    }
}

fn name_or_id(value: &Value) -> Result<Value, Complaint> {
    match value {
        Value::Int(number) => u32::try_from(*number)
            .map(|number| Value::Str(number.to_string()))
            .map_err(|_| Complaint::new("not an id", "give a name, or a number from 0")),
        other => not_empty(text(other)?),
    }
}

fn not_empty(value: Value) -> Result<Value, Complaint> {
    match value {
        Value::Str(text) if text.is_empty() => {
            Err(Complaint::new("empty", "give text, or leave it out for the default"))
        }
        value => Ok(value),
    }
}

fn list(value: &Value, split: fn(String) -> Vec<String>) -> Result<Value, Complaint> {
    let mut texts = Vec::new();
    for item in items(value)? {
        if let Value::Str(item) = text(&item)? {
            texts.extend(split(item));
        }
    }
    Ok(Value::List(
        texts
            .iter()
            .map(|text| text.trim())
            .filter(|text| !text.is_empty())
            .map(|text| Value::Str(text.into()))
            .collect(),
    ))
}

/// One text stands for a list of one.
fn items(value: &Value) -> Result<Vec<Value>, Complaint> {
    match value {
        Value::None => Ok(Vec::new()),
        Value::Str(_) => Ok(vec![value.clone()]),
        Value::List(items) => Ok(items.clone()),
        other => Err(Complaint::new(
            format!("{}, not a list of texts", other.describe()),
            "give text or a list of texts",
        )),
    }
}

fn pairs(value: &Value) -> Result<Value, Complaint> {
    // gunicorn: a dict would lose its values there without a word; here it means what it says.
    let items = match value {
        Value::Map(pairs) => {
            let join = |(key, value): &(String, Value)| Ok(format!("{key}={}", plain_text(value)?));
            let joined: Result<Vec<String>, Complaint> = pairs.iter().map(join).collect();
            Value::List(joined?.into_iter().map(Value::Str).collect())
        }
        other => other.clone(),
    };
    let converted = list(&items, |text| vec![text])?;
    if let Value::List(items) = &converted {
        for item in items {
            check_pair(item)?;
        }
    }
    Ok(converted)
}

fn plain_text(value: &Value) -> Result<&str, Complaint> {
    match value {
        Value::Str(text) => Ok(text),
        other => Err(Complaint::new(format!("{}, not text", other.describe()), "give text")),
    }
}

fn check_pair(item: &Value) -> Result<(), Complaint> {
    match plain_text(item)?.split_once('=') {
        Some((key, _)) if !key.is_empty() => Ok(()),
        _ => Err(Complaint::new(format!("{item} is no KEY=VALUE"), "give KEY=VALUE")),
    }
}

fn choice(value: &Value, words: &[&str]) -> Result<Value, Complaint> {
    let given = match value {
        Value::Str(text) => text.trim().to_ascii_lowercase(),
        _ => String::new(),
    };
    if words.contains(&given.as_str()) {
        return Ok(Value::Str(given));
    }
    Err(Complaint::new("not one of the allowed words", format!("give {}", words.join(", "))))
}

/// The caller of a hook counts on the number of its arguments, so it is checked at the start.
fn hook(value: &Value, allowed: &[usize]) -> Result<Value, Complaint> {
    let is_fit = match value {
        Value::Callable { arguments, .. } => arguments.is_none_or(|count| allowed.contains(&count)),
        _ => false,
    };
    if is_fit {
        return Ok(value.clone());
    }
    let counts: Vec<String> = allowed.iter().map(usize::to_string).collect();
    let plural = if allowed == [1] { "" } else { "s" };
    Err(Complaint::new(
        format!("{} does not fit", value.describe()),
        format!("give a function of {} argument{plural}", counts.join(" or ")),
    ))
}

/// gunicorn takes words for true and false here too.
fn switch(value: &Value, words: &[&str], bare: &str) -> Result<Value, Complaint> {
    let given = match value {
        Value::Bool(false) | Value::None | Value::Int(0) => words[0].to_owned(),
        Value::Bool(true) | Value::Int(1) => bare.to_owned(),
        Value::Str(text) => match text.trim().to_ascii_lowercase().as_str() {
            "false" | "0" | "none" => words[0].to_owned(),
            "true" | "1" => bare.to_owned(),
            word => word.to_owned(),
        },
        _ => String::new(),
    };
    choice(&Value::Str(given), words)
}

fn dict(value: &Value) -> Result<Value, Complaint> {
    match value {
        Value::Map(_) => Ok(value.clone()),
        other => Err(Complaint::new(format!("{}, not a dict", other.describe()), "give a dict")),
    }
}

fn map(value: &Value) -> Result<Value, Complaint> {
    let Value::Map(pairs) = value else {
        return Err(Complaint::new(
            format!("{}, not a dict", value.describe()),
            "give a dict of texts",
        ));
    };
    for (_, text) in pairs {
        plain_text(text)?;
    }
    Ok(value.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(text: &str) -> Value {
        Value::Str(text.into())
    }

    fn complaint(kind: Kind, value: &Value) -> String {
        convert(kind, value).unwrap_err().to_string()
    }

    #[test]
    fn flags_take_true_and_false_in_any_case_and_nothing_else() {
        for (value, on) in
            [(text_of("TRUE"), true), (text_of(" false"), false), (Value::None, false)]
        {
            assert_eq!(convert(Kind::Flag, &value).unwrap(), Value::Bool(on));
        }
        for value in [text_of("yes"), Value::Int(1)] {
            assert_eq!(complaint(Kind::Flag, &value), "neither true nor false; give True or False");
        }
    }

    #[test]
    fn lists_take_one_text_or_many_and_only_csv_splits_at_commas() {
        let list = |kind, value| convert(kind, &value).unwrap().to_string();
        assert_eq!(list(Kind::List, text_of("a:1,b:2")), "['a:1,b:2']");
        assert_eq!(list(Kind::List, Value::List(vec![text_of(" a "), text_of("")])), "['a']");
        assert_eq!(list(Kind::List, Value::None), "[]");
        assert_eq!(list(Kind::Csv, text_of("/a, /b,,")), "['/a', '/b']");
        assert_eq!(
            complaint(Kind::List, &Value::List(vec![Value::Int(8000)])),
            "a whole number, not text; give text"
        );
        assert!(complaint(Kind::List, &Value::Bool(true)).contains("not a list of texts"));
    }

    #[test]
    fn pairs_need_a_key_and_may_come_as_a_dict() {
        let map = Value::Map(vec![("A".into(), text_of("1=2"))]);
        assert_eq!(convert(Kind::Pairs, &map).unwrap().to_string(), "['A=1=2']");
        assert_eq!(convert(Kind::Pairs, &text_of("A=")).unwrap().to_string(), "['A=']");
        assert_eq!(
            complaint(Kind::Pairs, &Value::List(vec![text_of("A=1"), text_of("B")])),
            "'B' is no KEY=VALUE; give KEY=VALUE"
        );
        assert!(complaint(Kind::Pairs, &text_of("=1")).contains("no KEY=VALUE"));
        let number = Value::Map(vec![("A".into(), Value::Int(1))]);
        assert!(complaint(Kind::Pairs, &number).contains("not text"));
    }

    #[test]
    fn a_choice_is_one_of_its_words_in_any_case() {
        let kind = Kind::Choice(&["debug", "info"]);
        assert_eq!(convert(kind, &text_of("DEBUG")).unwrap(), text_of("debug"));
        assert_eq!(
            complaint(kind, &text_of("verbose")),
            "not one of the allowed words; give debug, info"
        );
        assert!(convert(kind, &Value::Int(10)).is_err());
    }

    #[test]
    fn a_switch_is_a_word_or_true_or_false() {
        let kind = Kind::Switch { words: &["off", "v1", "auto"], bare: "auto" };
        for (value, word) in [
            (text_of("V1"), "v1"),
            (text_of("true"), "auto"),
            (text_of("0"), "off"),
            (Value::Bool(true), "auto"),
            (Value::Bool(false), "off"),
            (Value::None, "off"),
        ] {
            assert_eq!(convert(kind, &value).unwrap(), text_of(word), "{value}");
        }
        assert!(complaint(kind, &text_of("v3")).ends_with("give off, v1, auto"));
        assert!(convert(kind, &Value::Int(2)).is_err());
    }

    #[test]
    fn a_map_is_a_dict_of_texts() {
        let map = Value::Map(vec![("A".into(), text_of("b"))]);
        assert_eq!(convert(Kind::Map, &map).unwrap(), map);
        assert!(complaint(Kind::Map, &text_of("A=b")).contains("not a dict"));
        let number = Value::Map(vec![("A".into(), Value::Int(1))]);
        assert!(complaint(Kind::Map, &number).contains("not text"));
    }

    #[test]
    fn text_is_trimmed_and_neither_empty_nor_another_type() {
        assert_eq!(convert(Kind::Text, &text_of(" - ")).unwrap(), text_of("-"));
        assert!(complaint(Kind::Text, &text_of(" ")).starts_with("empty;"));
        assert!(complaint(Kind::Text, &text_of("a\0b")).contains("zero byte"));
        let path = Value::Object { type_name: "PosixPath".into() };
        assert_eq!(
            complaint(Kind::Text, &path),
            "an object of type PosixPath, not text; give text"
        );
    }

    #[test]
    fn a_hook_is_a_function_of_as_many_arguments_as_it_is_called_with() {
        let kind = Kind::Hook { arguments: &[2, 3, 4] };
        let function = |arguments| Value::Callable { name: "f".into(), arguments };
        assert_eq!(convert(kind, &function(Some(3))).unwrap(), function(Some(3)));
        // Of what Python cannot inspect (written in C) nothing is known.
        assert!(convert(kind, &function(None)).is_ok());
        let complaint = |value| convert(kind, &value).unwrap_err().to_string();
        assert_eq!(
            complaint(function(Some(1))),
            "a function of 1 argument does not fit; give a function of 2 or 3 or 4 arguments"
        );
        assert!(complaint(Value::Int(3)).starts_with("a whole number does not fit; give a"));
    }
}
