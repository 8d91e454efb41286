//! Addresses and ports as the environ shows them. Those of listeners, and of clients that stay, come
//! again and again, so their texts are kept.

use std::net::IpAddr;

use pyo3::prelude::*;
use pyo3::types::PyString;

use super::kept_texts::KeptTexts;
use super::latin1::latin1;

/// Places for texts of one kind.
const PLACES: usize = 256;

/// Texts of addresses and of ports.
pub struct Addresses {
    ips: KeptTexts<IpAddr>,
    ports: KeptTexts<u16>,
}

impl Addresses {
    /// None is known yet.
    pub fn new() -> Self {
        Self { ips: KeptTexts::new(PLACES), ports: KeptTexts::new(PLACES) }
    }

    /// An address.
    pub fn ip<'py>(&self, py: Python<'py>, ip: IpAddr) -> Bound<'py, PyString> {
        let mixed = match ip {
            IpAddr::V4(ip) => ip.to_bits(),
            IpAddr::V6(ip) => (ip.to_bits() >> 64 ^ ip.to_bits()) as u32,
        };
        let make = || (ip, PyString::new(py, &ip.to_string()));
        self.ips.text(py, place(mixed), |known| *known == ip, make)
    }

    /// A port.
    pub fn port<'py>(&self, py: Python<'py>, port: u16) -> Bound<'py, PyString> {
        let make = || (port, port_text(py, port));
        self.ports.text(py, place(port.into()), |known| *known == port, make)
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
