//! Imports point down: the modules of src/lib.rs stand in layer order, and each names only those
//! above it. Reads the sources; runs nothing.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::fs;
use std::path::{Path, PathBuf};

/// What a module may not name although it stands above it: arrows that must not grow back.
const NEVER: &[(&str, &[&str])] = &[
    ("config", &["logging"]),
    ("http", &["sys", "config", "logging", "supervisor"]),
    ("python", &["supervisor"]),
];

fn modules() -> Vec<String> {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let names = text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    names.map(str::to_owned).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(place: &Path) -> Vec<PathBuf> {
    if place.is_file() {
        return vec![place.to_owned()];
    }
    let entries = fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = entries.flat_map(|path| sources(&path)).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    found
}

fn named_in(text: &str) -> Vec<&str> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let after = code.flat_map(|line| line.split("crate::").skip(1));
    after
        .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap())
        .collect()
}

#[test]
fn imports_point_down() {
    let modules = modules();
    assert!(modules.len() > 5, "src/lib.rs is not read rightly: {modules:?}");
    let mut wrong = Vec::new();
    for (layer, module) in modules.iter().enumerate() {
        let directory = root().join("src").join(module);
        let place = if directory.is_dir() { directory } else { directory.with_extension("rs") };
        let never = NEVER.iter().find(|(name, _)| name == module).map_or(&[][..], |(_, list)| list);
        for path in sources(&place) {
            let text = fs::read_to_string(&path).unwrap();
            for name in named_in(&text) {
                let is_above = modules.iter().position(|other| other == name);
                if is_above.is_some_and(|other| other > layer) || never.contains(&name) {
                    wrong.push(format!("{} names {name}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_their_own_files_name_may_clap_and_the_engines() {
    let rules = [
        ("may::", "worker-engines", &["worker-engines/coroutine/src/scheduler.rs"][..]),
        ("clap::", "src", &["src/config/sources/cli.rs"][..]),
        ("unicoro_coroutine::", "src", &["src/engines.rs"][..]),
        ("unicoro_threads::", "src", &["src/engines.rs"][..]),
    ];
    for (name, place, allowed) in rules {
        for path in sources(&root().join(place)) {
            let shown = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).unwrap();
            let is_named = text.lines().any(|line| {
                let code = line.trim_start();
                !code.starts_with("//") && code.starts_with("use ") && code.contains(name)
            });
            assert!(!is_named || allowed.contains(&shown.as_str()), "{shown} names {name}");
        }
    }
}
