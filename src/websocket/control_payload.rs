//! What a control frame carries: at most 125 bytes (RFC 6455, 5.5), inline, so that a ping costs no
//! allocation.

use std::fmt;
use std::ops::Deref;

use super::frame::CONTROL_MAX;

/// The payload of a ping, a pong or a close frame; dereferences to its bytes.
#[derive(Clone, Copy)]
pub struct ControlPayload {
    bytes: [u8; CONTROL_MAX],
    len: u8,
}

impl ControlPayload {
    /// Nothing.
    pub const EMPTY: Self = ControlPayload { bytes: [0; CONTROL_MAX], len: 0 };

    /// `None` for more than 125 bytes.
    pub fn new(payload: &[u8]) -> Option<Self> {
        let mut made = Self::EMPTY;
        made.extend(payload)?;
        Some(made)
    }

    /// Adds `more` and gives it where it stands now; `None`, and nothing added, if it has no room.
    pub(super) fn extend(&mut self, more: &[u8]) -> Option<&mut [u8]> {
        let place = self.bytes[usize::from(self.len)..].get_mut(..more.len())?;
        place.copy_from_slice(more);
        self.len += more.len() as u8;
        Some(place)
    }
}

impl Deref for ControlPayload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl PartialEq for ControlPayload {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for ControlPayload {}

impl fmt::Debug for ControlPayload {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "\"{}\"", self.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_has_at_most_125_bytes() {
        assert_eq!(ControlPayload::new(&[7; 125]).unwrap().len(), 125);
        assert_eq!(ControlPayload::new(&[7; 126]), None);
    }
}
