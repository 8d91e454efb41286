//! Which Python environment the application lives in. Looks at files, and runs none.
//!
//! `VIRTUAL_ENV`, else a `python3` beside the binary, else the interpreter that unicoro was built
//! against. The libpython is linked, so an environment of another minor version cannot be used.

use std::fs;
use std::path::{Path, PathBuf};

use super::closed;
use crate::python::error::PythonError;

/// A Python environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// The path of its interpreter, from which CPython finds the rest.
    pub executable: Option<PathBuf>,
}

impl Home {
    /// Finds the environment that counts, for a libpython of `linked` (`(3, 11)`).
    ///
    /// # Errors
    /// The environment is no environment, or of another version.
    pub fn find(
        virtual_env: Option<&Path>,
        binary: Option<&Path>,
        linked: (u32, u32),
    ) -> Result<Self, PythonError> {
        if let Some(env) = virtual_env {
            return Self::of_virtual_env(env, linked);
        }
        let beside = binary.and_then(Path::parent).map(|bin| bin.join("python3"));
        if let Some(python) = beside.filter(|python| python.exists()) {
            check_version(&python, linked)?;
            return Ok(Self { executable: Some(python) });
        }
        let Some(python) = option_env!("UNICORO_BUILT_AGAINST").map(PathBuf::from) else {
            return Ok(Self { executable: None });
        };
        check_reach(&python, linked)?;
        Ok(Self { executable: Some(python).filter(|python| python.exists()) })
    }

    fn of_virtual_env(env: &Path, linked: (u32, u32)) -> Result<Self, PythonError> {
        closed::check(&env.join("bin/python3"))?;
        let names = ["python3", "python"];
        let python = names.iter().map(|name| env.join("bin").join(name)).find(|p| p.exists());
        let Some(python) = python else {
            return Err(PythonError::NoEnvironment(env.to_owned()));
        };
        check_version(&python, linked)?;
        check_reach(&python, linked)?;
        Ok(Self { executable: Some(python) })
    }
}

/// Whether this user can get to the interpreter and to its library, which may be another environment's.
fn check_reach(python: &Path, (major, minor): (u32, u32)) -> Result<(), PythonError> {
    closed::check(python)?;
    let named = setting(python, &["home"]).map(PathBuf::from);
    let linked = || Some(fs::canonicalize(python).ok()?.parent()?.to_owned());
    match named.or_else(linked).as_deref().and_then(Path::parent) {
        Some(base) => {
            closed::check(&base.join(format!("lib/python{major}.{minor}/encodings/__init__.py")))
        }
        None => Ok(()),
    }
}

fn check_version(python: &Path, linked: (u32, u32)) -> Result<(), PythonError> {
    match version(python) {
        Some(found) if found != linked => {
            Err(PythonError::OtherVersion { python: python.to_owned(), found, linked })
        }
        // An interpreter whose version cannot be read off is let through: CPython itself says what
        // is missing.
        _ => Ok(()),
    }
}

/// The version of an interpreter, without running it: from its pyvenv.cfg, else from the name of
/// what it is a link to (`python3.11`).
fn version(python: &Path) -> Option<(u32, u32)> {
    if config_of(python).is_some() {
        // venv's and virtualenv's key, and uv's.
        return setting(python, &["version", "version_info"]).as_deref().and_then(minor_version);
    }
    let real = fs::canonicalize(python).ok()?;
    minor_version(real.file_name()?.to_str()?.strip_prefix("python")?)
}

/// The pyvenv.cfg of an environment's interpreter.
fn config_of(python: &Path) -> Option<String> {
    fs::read_to_string(python.parent()?.parent()?.join("pyvenv.cfg")).ok()
}

/// What it says under the first of these keys.
fn setting(python: &Path, keys: &[&str]) -> Option<String> {
    config_of(python)?.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        keys.contains(&key.trim()).then(|| value.trim().to_owned())
    })
}

fn minor_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str, config: &str) -> PathBuf {
        let env = std::env::temp_dir().join(format!("unicoro-home-{}-{name}", std::process::id()));
        fs::create_dir_all(env.join("bin")).unwrap();
        fs::write(env.join("pyvenv.cfg"), config).unwrap();
        fs::write(env.join("bin/python3"), "").unwrap();
        env
    }

    #[test]
    fn a_virtual_env_of_the_linked_version_is_taken() {
        let env = environment("same", "home = /usr/bin\nversion = 3.11.7\n");
        let home = Home::find(Some(&env), None, (3, 11)).unwrap();
        assert_eq!(home.executable, Some(env.join("bin/python3")));
    }

    #[test]
    fn another_version_is_an_error_that_names_both_and_the_build_command() {
        let env = environment("other", "version_info = 3.12.1\n");
        let error = Home::find(Some(&env), None, (3, 11)).unwrap_err().to_string();
        assert!(error.contains("is 3.12") && error.contains("against 3.11"), "{error}");
        assert!(error.contains("PYO3_PYTHON="), "{error}");
    }

    #[test]
    fn a_virtual_env_that_is_gone_is_an_error() {
        let error =
            Home::find(Some(Path::new("/nonexistent")), None, (3, 11)).unwrap_err().to_string();
        assert!(error.contains("VIRTUAL_ENV is /nonexistent"), "{error}");
    }

    #[test]
    fn a_python_beside_the_binary_is_taken() {
        let env = environment("beside", "version = 3.11.7\n");
        let home = Home::find(None, Some(&env.join("bin/unicoro")), (3, 11)).unwrap();
        assert_eq!(home.executable, Some(env.join("bin/python3")));
    }
}
