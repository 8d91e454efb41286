//! Strings that every request needs, each made once.
//!
//! Not pyo3's `intern!`: that gives the interpreter lock up before it makes the string, so that a
//! green thread may lose the processor inside, and then puts whoever asks for the same string to
//! sleep in the kernel, and the scheduler's thread with it. Here the lock is kept: making a string
//! runs no code of the application's and lets nobody in, so nobody ever waits.

/// The interned string of a literal.
macro_rules! interned {
    ($py:expr, $text:literal) => {{
        static STRING: std::sync::OnceLock<pyo3::Py<pyo3::types::PyString>> =
            std::sync::OnceLock::new();
        let py: pyo3::Python<'_> = $py;
        STRING.get_or_init(|| pyo3::types::PyString::intern(py, $text).unbind()).bind(py)
    }};
}

pub(crate) use interned;
