//! CPython without the GIL: refused, because nothing here was made or tested for it. Every engine
//! gives the application what the GIL gives it, and green threads switch by who holds it.

use crate::python::error::PythonError;

/// Whether a libpython of this version (`Py_GetVersion()`) can be served with.
///
/// # Errors
/// See [`PythonError`].
pub fn check(version: &str) -> Result<(), PythonError> {
    if !version.contains(BUILD) {
        return Ok(());
    }
    let number = version.split_whitespace().next().unwrap_or_default();
    Err(PythonError::FreeThreaded(number.to_owned()))
}

/// How a free-threaded build names itself, "experimental" in 3.13 (Python/getversion.c).
const BUILD: &str = "free-threading build";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_without_the_gil_is_refused_with_what_to_do_instead() {
        let text = check("3.13.0 experimental free-threading build (main, Oct 2024) [GCC 12]");
        let text = text.unwrap_err().to_string();
        assert!(text.contains("3.13.0") && text.contains("PYO3_PYTHON"), "{text}");
        assert!(check("3.14.0 free-threading build (main, Oct 7 2025) [GCC 12.2.0]").is_err());
    }

    #[test]
    fn ordinary_builds_are_not() {
        assert!(check("3.11.7 (main, Dec  8 2023) [GCC 12.2.0]").is_ok());
        assert!(check("3.14.0rc1+ (heads/main:abc, Aug 1 2025) [Clang 17]").is_ok());
    }
}
