//! A config file's names as plain values, which know nothing of Python.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PySet, PyString, PyTuple, PyType};

use crate::config::{FileValue, Kind, TABLE, Value};

/// The names that may be settings, in the order of the file; `lines` are those of their assignments.
pub fn values(names: &Bound<'_, PyDict>, lines: &[(String, u32)]) -> Vec<FileValue> {
    let mut values: Vec<FileValue> = names
        .iter()
        .filter_map(|(name, value)| Some((name.extract::<String>().ok()?, value)))
        .filter(|(name, _)| !name.starts_with("__"))
        .map(|(name, value)| FileValue {
            line: lines.iter().rev().find(|(known, _)| *known == name).map(|(_, line)| *line),
            value: match &value {
                value if is_hook(&name) => callable(value),
                value => class_name(&name, value).unwrap_or_else(|| plain(value)),
            },
            name,
        })
        .collect();
    values.sort_by_key(|value| value.line);
    values
}

/// gunicorn takes a class itself for `worker_class` and its like. Here its name is enough: none is
/// ever made an object of.
fn class_name(name: &str, value: &Bound<'_, PyAny>) -> Option<Value> {
    let class = value.cast::<PyType>().ok()?;
    let is_setting = TABLE.iter().any(|row| row.name == name && row.kind == Kind::Text);
    let full = || Some(format!("{}.{}", class.module().ok()?, class.qualname().ok()?));
    is_setting.then(full).flatten().map(Value::Str)
}

fn is_hook(name: &str) -> bool {
    TABLE.iter().any(|row| row.name == name && matches!(row.kind, Kind::Hook { .. }))
}

/// gunicorn takes `"module.function"` for a hook. What cannot be imported stays text, and is then
/// refused as no function.
pub fn load_named_hooks(names: &Bound<'_, PyDict>) {
    let is_named = |name: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>| {
        value.is_instance_of::<PyString>()
            && name.extract::<String>().is_ok_and(|name| is_hook(&name))
    };
    for (name, value) in names.copy().into_iter().flatten() {
        if is_named(&name, &value)
            && let Ok(text) = value.extract::<String>()
            && let Some((module, function)) = text.rsplit_once('.')
            && let Ok(found) = names.py().import(module).and_then(|module| module.getattr(function))
        {
            // Setting a name that exists cannot fail.
            drop(names.set_item(name, found));
        }
    }
}

/// A function, with the number of its arguments; anything else as a plain value.
fn callable(object: &Bound<'_, PyAny>) -> Value {
    if !object.is_callable() {
        return plain(object);
    }
    let name = object.getattr("__name__").and_then(|name| name.extract());
    Value::Callable {
        name: name.unwrap_or_else(|_| "unnamed".into()),
        arguments: arguments_of(object).ok(),
    }
}

/// As gunicorn counts them: by position, those with a default included.
fn arguments_of(function: &Bound<'_, PyAny>) -> PyResult<usize> {
    let inspect = function.py().import("inspect")?;
    let parameter = inspect.getattr("Parameter")?;
    let positional =
        [parameter.getattr("POSITIONAL_ONLY")?, parameter.getattr("POSITIONAL_OR_KEYWORD")?];
    let signature = inspect.call_method1("signature", (function,))?;
    let mut count = 0;
    for parameter in signature.getattr("parameters")?.call_method0("values")?.try_iter()? {
        let kind = parameter?.getattr("kind")?;
        count += usize::from(kind.eq(&positional[0])? || kind.eq(&positional[1])?);
    }
    Ok(count)
}

/// A Python object as a plain value, or what it is.
fn plain(object: &Bound<'_, PyAny>) -> Value {
    let described = || Value::Object {
        type_name: object.get_type().name().map_or("object".into(), |name| name.to_string()),
    };
    if object.is_none() {
        Value::None
    } else if let Ok(flag) = object.cast::<PyBool>() {
        Value::Bool(flag.is_true())
    } else if object.is_instance_of::<PyInt>() {
        object.extract().map_or_else(|_| described(), Value::Int)
    } else if object.is_instance_of::<PyFloat>() {
        object.extract().map_or_else(|_| described(), Value::Float)
    } else if object.is_instance_of::<PyString>() {
        object.extract().map_or_else(|_| described(), Value::Str)
    } else if object.is_instance_of::<PyType>() {
        described()
    } else if object.is_instance_of::<PyList>()
        || object.is_instance_of::<PyTuple>()
        || object.is_instance_of::<PySet>()
    {
        let items = object.try_iter().into_iter().flatten().flatten();
        Value::List(items.map(|item| plain(&item)).collect())
    } else if let Ok(map) = object.cast::<PyDict>() {
        let pairs = map.iter().map(|(key, value)| (key.to_string(), plain(&value)));
        Value::Map(pairs.collect())
    } else {
        described()
    }
}
