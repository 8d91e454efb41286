//! A message for many clients, which is framed and compressed once for all of them.

use std::sync::{Arc, OnceLock};

use super::deflater;
use super::frame::ServerHeader;
use super::message::{Data, Kind};
use super::policy::{WINDOW_BITS_MAX, WINDOW_BITS_MIN};
use super::pool::Pool;

/// A message whose frames are made once: one as it is, and one compressed for each size of window that
/// clients have agreed on, when the first of them is sent it. (Browsers agree on one.)
///
/// The compressed ones refer to no earlier message, so that each client can read them, with context takeover
/// too; [`deflater::Deflater::forget`] says what that asks of the messages that follow.
#[derive(Debug)]
pub struct Prepared {
    kind: Kind,
    plain: Vec<u8>,
    /// Bytes of the header that `plain` begins with.
    header: usize,
    /// By the window's bits; `None` where compression makes it no shorter.
    deflated: [OnceLock<Option<Vec<u8>>>; WINDOWS],
    pool: Arc<Pool>,
}

const WINDOWS: usize = (WINDOW_BITS_MAX - WINDOW_BITS_MIN) as usize + 1;

impl Prepared {
    /// A message to be sent by [`super::Encoder::prepared`].
    pub fn new(data: Data, pool: &Arc<Pool>) -> Self {
        let kind = data.kind();
        let plain = frame(kind, false, data.bytes());
        let header = plain.len() - data.bytes().len();
        Prepared { kind, plain, header, deflated: Default::default(), pool: Arc::clone(pool) }
    }

    /// The frame for who has not agreed on compression.
    pub(super) fn plain(&self) -> &[u8] {
        &self.plain
    }

    /// The compressed frame for clients whose window has `bits`, 9 to 15; `None`: the plain one is better.
    pub(super) fn deflated(&self, bits: u8) -> Option<&[u8]> {
        let place = self.deflated.get(usize::from(bits.checked_sub(WINDOW_BITS_MIN)?))?;
        let made = place.get_or_init(|| {
            let data = &self.plain[self.header..];
            let is_short = data.is_empty() || data.len() < self.pool.policy().threshold;
            let deflated = (!is_short).then(|| deflater::alone(data, bits, &self.pool));
            deflated.flatten().map(|deflated| frame(self.kind, true, &deflated))
        });
        made.as_deref()
    }
}

fn frame(kind: Kind, is_compressed: bool, payload: &[u8]) -> Vec<u8> {
    [&ServerHeader::new(kind.opcode(), is_compressed, payload.len()), payload].concat()
}
