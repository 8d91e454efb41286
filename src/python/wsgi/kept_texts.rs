//! Texts that come again and again, each made once: in a table with a bound, because clients choose what
//! stands in it.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyString;

/// Texts by their keys, as `str` or as another type. Of two that want one place, the later has it.
pub struct KeptTexts<K, T = PyString>(Mutex<Vec<Option<Kept<K, T>>>>);

type Kept<K, T> = (K, Py<T>);

impl<K, T> KeptTexts<K, T> {
    /// None is kept yet, of `places` at most.
    pub fn new(places: usize) -> Self {
        Self(Mutex::new((0..places).map(|_| None).collect()))
    }

    /// The text at a place, if its key `is_it`; else the one to `make`, which is kept there from now on.
    pub fn text<'py>(
        &self,
        py: Python<'py>,
        place: usize,
        is_it: impl FnOnce(&K) -> bool,
        make: impl FnOnce() -> (K, Bound<'py, T>),
    ) -> Bound<'py, T> {
        // Whoever comes second has the language's lock, which nobody gives up in here: it never waits.
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = &mut places[place];
        if let Some((key, text)) = place
            && is_it(key)
        {
            return text.bind(py).clone();
        }
        let (key, text) = make();
        *place = Some((key, text.clone().unbind()));
        text
    }
}
