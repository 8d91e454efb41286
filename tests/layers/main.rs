//! How the files of a crate hang together: names lead down, and never back up. Reads the sources; runs
//! nothing.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod imports;
mod knots;
mod names;

use std::fs;
use std::path::{Path, PathBuf};

use crate::knots::knots;
use crate::names::{Crate, Uses};

/// Files that declare their modules in layer order: each names only those above it.
const LAYERED: &[&str] = &[
    "src/lib.rs",
    "src/config/mod.rs",
    "src/supervisor/mod.rs",
    "src/python/mod.rs",
    "worker-engines/coroutine/src/lib.rs",
    "worker-engines/coroutine/src/interposed/mod.rs",
];

/// What a module may not name although it stands above it: arrows that must not grow back.
const NEVER: &[(&str, &[&str])] = &[
    ("config", &["logging"]),
    ("http", &["listening", "config", "logging", "supervisor"]),
    ("websocket", &["listening", "config", "metrics", "logging", "supervisor"]),
    ("exchange", &["metrics", "logging", "supervisor"]),
    ("python", &["supervisor"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(root_file: &Path) -> Crate {
    Crate::read(root_file, &|path| fs::read_to_string(root().join(path)).ok())
}

/// The crate that a file belongs to.
fn crate_of(file: &Path) -> Crate {
    let sources = file.ancestors().find(|place| place.ends_with("src")).unwrap();
    read(&sources.join("lib.rs"))
}

/// The roots of all crates here, programs and tests among them.
fn roots() -> Vec<PathBuf> {
    fn look_in(place: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()) {
            let is_root = ["lib.rs", "main.rs"].iter().any(|name| entry.ends_with(name));
            if entry.is_dir() {
                look_in(&entry, found);
            } else if is_root {
                found.push(entry.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    let mut found = Vec::new();
    for place in ["src", "tests", "wheel", "worker-engines"] {
        look_in(&root().join(place), &mut found);
    }
    assert!(found.len() > 5, "the crates are not found: {found:?}");
    found
}

#[test]
fn names_lead_down() {
    let mut wrong = Vec::new();
    for (declaring, read) in LAYERED.iter().map(|file| (Path::new(file), crate_of(Path::new(file))))
    {
        let modules = read.modules_in(declaring);
        assert!(modules.len() > 1, "{} declares nothing", declaring.display());
        let layer_of = |file: &PathBuf| modules.iter().position(|(_, files)| files.contains(file));
        for (file, named) in read.uses() {
            let Some(layer) = layer_of(&file) else { continue };
            let module = &modules[layer].0;
            let never = NEVER.iter().find(|(name, _)| name == module).map_or(&[][..], |row| row.1);
            for (other, name) in named {
                let is_below = other == declaring || layer_of(&other).is_some_and(|at| at > layer);
                let is_never = layer_of(&other).is_some_and(|at| never.contains(&&*modules[at].0));
                if is_below || is_never {
                    wrong.push(format!("{} names {name}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_of_a_crate_do_not_name_each_other_in_circles() {
    let mut wrong = String::new();
    for crate_root in roots() {
        let uses = read(&crate_root).uses();
        for knot in knots(&uses) {
            wrong += &format!("a circle:\n{}", shown(&knot, &uses));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Who names whom in a knot, and by which name.
fn shown(knot: &[PathBuf], uses: &Uses) -> String {
    let mut text = String::new();
    for file in knot {
        for (other, name) in uses[file].iter().filter(|(other, _)| knot.contains(other)) {
            text += &format!("  {} names {name}, of {}\n", file.display(), other.display());
        }
    }
    text
}

#[test]
fn who_sends_to_clients_knows_no_python() {
    let read = read(Path::new("src/lib.rs"));
    let knowing = read.files_that_name("pyo3");
    for file in read.uses().keys() {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let calls = ["stream.send_all(", "stream.send_file(", "stream.part("];
        let sends = calls.iter().any(|call| text.contains(call));
        let is_exchange = file.starts_with("src/exchange");
        assert!(is_exchange || !sends, "{} sends to a client", file.display());
        assert!(!is_exchange || !knowing.contains(file), "{} names pyo3", file.display());
    }
}

#[test]
fn only_their_own_files_name_may_clap_and_the_engines() {
    let rules = [
        ("may", "worker-engines", "worker-engines/coroutine/src/scheduler.rs"),
        ("clap", "src", "src/config/sources/cli.rs"),
        ("unicoro_coroutine", "src", "src/engines.rs"),
        ("unicoro_threads", "src", "src/engines.rs"),
        // In http nobody: it asks the kernel nothing. Nor does websocket.
        ("unicoro_sys", "src/http", ""),
        ("unicoro_sys", "src/websocket", ""),
    ];
    for crate_root in roots() {
        let read = read(&crate_root);
        for (name, place, allowed) in rules {
            for file in read.files_that_name(name) {
                let is_allowed = !file.starts_with(place) || file == Path::new(allowed);
                assert!(is_allowed, "{} names {name}", file.display());
            }
        }
    }
}
