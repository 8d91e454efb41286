//! Which CPythons can be served with. What is linked, or has loaded us, may be another than the one of the build:
//! a build fixes 3.N and not the third number.
//!
//! CPython without the GIL is refused, because nothing here was made or tested for it: every engine gives the
//! application what the GIL gives it, and green threads switch by who holds it. So are 3.14.0 and 3.14.1, which
//! take a stack that they do not know for a full one (python/cpython#139653).

use crate::python::error::PythonError;

/// Whether a libpython of this version (`Py_GetVersion()`) can be served with.
///
/// # Errors
/// See [`PythonError`].
pub fn check(version: &str) -> Result<(), PythonError> {
    let number = version.split_whitespace().next().unwrap_or_default();
    if version.contains(FREE_THREADED) {
        return Err(PythonError::FreeThreaded(number.to_owned()));
    }
    match parse(number) {
        [3, 14, 0 | 1] => Err(PythonError::EarlyStackProtection(number.to_owned())),
        [3, minor, _] if !MINORS.contains(&minor) => Err(PythonError::Unknown(number.to_owned())),
        _ => Ok(()),
    }
}

/// Those of `build.rs`, and for the same reason: the engine relies on what these do.
const MINORS: std::ops::RangeInclusive<u32> = 10..=14;

/// How a build without the GIL names itself, "experimental" in 3.13 (Python/getversion.c).
const FREE_THREADED: &str = "free-threading build";

/// `3.14.0rc1+` is 3.14.0.
fn parse(number: &str) -> [u32; 3] {
    let mut parts = number.split('.').map(|part| {
        let digits =
            part.find(|char: char| !char.is_ascii_digit()).map_or(part, |end| &part[..end]);
        digits.parse().unwrap_or(0)
    });
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(version: &str) -> String {
        check(version).unwrap_err().to_string()
    }

    #[test]
    fn a_build_without_the_gil_is_refused_with_what_to_do_instead() {
        let text = refusal("3.13.0 experimental free-threading build (main, Oct 2024) [GCC 12]");
        assert!(text.contains("3.13.0") && text.contains("PYO3_PYTHON"), "{text}");
        assert!(check("3.14.2 free-threading build (main, Dec 5 2025) [GCC 12.2.0]").is_err());
    }

    #[test]
    fn ordinary_builds_are_not() {
        for number in ["3.10.0", "3.11.7", "3.12.1+", "3.13.0", "3.14.2", "3.14.10"] {
            let version = format!("{number} (main, Dec  8 2023) [GCC 12.2.0]");
            assert!(check(&version).is_ok(), "{version}");
        }
    }

    #[test]
    fn the_first_two_of_3_14_are_refused_with_the_reason() {
        for number in ["3.14.0", "3.14.0rc1+", "3.14.1"] {
            let text = refusal(&format!("{number} (heads/main:abc, Aug 1 2025) [Clang 17]"));
            assert!(text.contains(number) && text.contains("3.14.2"), "{text}");
        }
    }

    #[test]
    fn what_nobody_has_tried_is_refused() {
        for number in ["3.9.18", "3.15.0a1"] {
            let text = refusal(&format!("{number} (main) [GCC 12.2.0]"));
            assert!(text.contains(number) && text.contains("3.10 to 3.14"), "{text}");
        }
    }
}
