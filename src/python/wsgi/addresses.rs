//! Addresses and ports as the environ shows them. Those of few clients and listeners come again and
//! again, so the texts of addresses are kept.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyString;

use super::latin1::latin1;

/// Places for addresses: of two that want one place, the later has it.
const PLACES: usize = 256;

/// Texts of addresses.
pub struct Addresses {
    places: Mutex<Vec<Option<Known>>>,
}

type Known = (IpAddr, Py<PyString>);

impl Addresses {
    /// None is known yet.
    pub fn new() -> Self {
        Self { places: Mutex::new((0..PLACES).map(|_| None).collect()) }
    }

    /// An address.
    pub fn text<'py>(&self, py: Python<'py>, ip: IpAddr) -> Bound<'py, PyString> {
        // Whoever comes second has the language's lock, which nobody gives up in here: it never waits.
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let place = &mut places[place(ip)];
        if let Some((_, text)) = place.as_ref().filter(|(known, _)| *known == ip) {
            return text.bind(py).clone();
        }
        let text = PyString::new(py, &ip.to_string());
        *place = Some((ip, text.clone().unbind()));
        text
    }
}

fn place(ip: IpAddr) -> usize {
    let mixed = match ip {
        IpAddr::V4(ip) => ip.to_bits(),
        IpAddr::V6(ip) => (ip.to_bits() >> 64 ^ ip.to_bits()) as u32,
    };
    // Fibonacci's: neighbours lie apart, and so do neighbouring networks.
    (mixed.wrapping_mul(0x9e37_79b9) >> 24) as usize
}

/// A port.
pub fn port_text(py: Python<'_>, port: u16) -> Bound<'_, PyString> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_a_place() {
        for ip in ["0.0.0.0", "127.0.0.1", "255.255.255.255", "::", "::1", "fe80::1:2"] {
            assert!(place(ip.parse().unwrap()) < PLACES);
        }
    }
}
