//! What our Python files import is the standard library's, whatever lies beside the application: each name
//! is in the list of `src/python/interp/library_first.py`, built into CPython, or nobody's of the library.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::root;

/// Those that `sys.meta_path` finds before it looks for files, in each CPython; ours; and packages that only an
/// application brings.
const ELSEWHERE: [&str; 13] = [
    "_thread",
    "builtins",
    "faulthandler",
    "gc",
    "itertools",
    "sys",
    "time", // built in
    "_frozen_importlib_external",
    "unicoro", // there
    "anyio",
    "gevent",
    "greenlet",
    "uvloop",
];
const WHERE_IT_IS: &str = "src/python/interp/library_first.py";

fn files(place: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for path in fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.extension().is_some_and(|found| found == ending) {
            found.push(path);
        }
    }
}

/// The outermost package of each import, with a file that has it.
fn imported() -> BTreeMap<String, PathBuf> {
    let mut names = BTreeMap::new();
    let mut note = |name: &str, file: &Path| {
        let first = name.trim().split(['.', ' ', ',']).next().unwrap();
        names.insert(first.to_owned(), file.to_owned());
    };
    let mut python = Vec::new();
    files(&root().join("src/python"), "py", &mut python);
    files(&root().join("wheel/python"), "py", &mut python);
    for file in &python {
        for line in fs::read_to_string(file).unwrap().lines().map(str::trim_start) {
            if let Some(listed) = line.strip_prefix("import ") {
                listed.split(',').for_each(|name| note(name, file));
            } else if let Some((module, _)) =
                line.strip_prefix("from ").and_then(|rest| rest.split_once(" import "))
            {
                note(module, file);
            }
        }
    }
    let mut rust = Vec::new();
    files(&root().join("src/python"), "rs", &mut rust);
    for file in &rust {
        for call in fs::read_to_string(file).unwrap().split("py.import(\"").skip(1) {
            note(call.split('"').next().unwrap(), file);
        }
    }
    names
}

#[test]
fn what_our_python_imports_is_the_librarys() {
    let text = fs::read_to_string(root().join(WHERE_IT_IS)).unwrap();
    let list = text.split_once("NAMES = ").unwrap().1.split_once(".split()").unwrap().0;
    let listed: Vec<&str> = list.split([' ', '"', '\n', '(']).collect();
    let imported = imported();
    assert!(imported.len() > 30, "{imported:?}");
    let missing: Vec<_> = imported
        .iter()
        .filter(|(name, _)| !listed.contains(&name.as_str()))
        .filter(|(name, _)| !ELSEWHERE.contains(&name.as_str()))
        .collect();
    assert!(missing.is_empty(), "not in {WHERE_IT_IS}: {missing:?}");
}
