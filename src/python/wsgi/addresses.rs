//! Addresses and ports as the environ shows them. Those of listeners, and of clients that stay, come
//! again and again, so their texts are kept.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyString;

use super::latin1::latin1;

/// Places for texts of one kind: of two that want one place, the later has it.
const PLACES: usize = 256;

/// Texts of addresses and of ports.
pub struct Addresses {
    ips: Texts<IpAddr>,
    ports: Texts<u16>,
}

struct Texts<K>(Mutex<Vec<Option<Known<K>>>>);

type Known<K> = (K, Py<PyString>);

impl Addresses {
    /// None is known yet.
    pub fn new() -> Self {
        Self { ips: Texts::new(), ports: Texts::new() }
    }

    /// An address.
    pub fn ip<'py>(&self, py: Python<'py>, ip: IpAddr) -> Bound<'py, PyString> {
        let mixed = match ip {
            IpAddr::V4(ip) => ip.to_bits(),
            IpAddr::V6(ip) => (ip.to_bits() >> 64 ^ ip.to_bits()) as u32,
        };
        self.ips.text(py, ip, mixed, || PyString::new(py, &ip.to_string()))
    }

    /// A port.
    pub fn port<'py>(&self, py: Python<'py>, port: u16) -> Bound<'py, PyString> {
        self.ports.text(py, port, port.into(), || port_text(py, port))
    }
}

impl<K: PartialEq> Texts<K> {
    fn new() -> Self {
        Self(Mutex::new((0..PLACES).map(|_| None).collect()))
    }

    fn text<'py>(
        &self,
        py: Python<'py>,
        key: K,
        mixed: u32,
        make: impl FnOnce() -> Bound<'py, PyString>,
    ) -> Bound<'py, PyString> {
        // Whoever comes second has the language's lock, which nobody gives up in here: it never waits.
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = &mut places[place(mixed)];
        if let Some((_, text)) = place.as_ref().filter(|(known, _)| *known == key) {
            return text.bind(py).clone();
        }
        let text = make();
        *place = Some((key, text.clone().unbind()));
        text
    }
}

/// Fibonacci's: neighbours lie apart, and so do neighbouring networks.
fn place(mixed: u32) -> usize {
    (mixed.wrapping_mul(0x9e37_79b9) >> 24) as usize % PLACES
}

fn port_text(py: Python<'_>, port: u16) -> Bound<'_, PyString> {
    let (mut digits, mut at, mut rest) = ([0; 5], 5, port);
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            return latin1(py, &digits[at..]);
        }
    }
}
