//! How a server compresses messages: what it asks for when permessage-deflate is negotiated, and when it
//! is worth the work.

/// What is wanted of permessage-deflate (RFC 7692, 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Our messages may refer to earlier ones: smaller, for some 300 KiB a connection that has sent one.
    pub server_context_takeover: bool,
    /// A client's messages may refer to earlier ones, for some 40 KiB a connection that has sent one.
    pub client_context_takeover: bool,
    /// How far back ours may refer, as a power of two: 9 to 15.
    pub server_max_window_bits: u8,
    /// How far back a client's may refer, if it can be told: 9 to 15.
    pub client_max_window_bits: u8,
    /// zlib's: 1 is quick, 9 is small.
    pub level: u32,
    /// Messages of fewer bytes are sent as they are.
    pub threshold: usize,
}

impl Default for Policy {
    /// No connection keeps anything between messages, and a message for many is compressed once for all.
    fn default() -> Self {
        Policy {
            server_context_takeover: false,
            client_context_takeover: false,
            server_max_window_bits: WINDOW_BITS_MAX,
            client_max_window_bits: WINDOW_BITS_MAX,
            // zlib's own.
            level: 6,
            // A shorter message takes one packet either way; node's `ws` draws the line here too.
            threshold: 1024,
        }
    }
}

/// zlib has no smaller window for a raw stream, although RFC 7692 begins at 8.
pub(super) const WINDOW_BITS_MIN: u8 = 9;
/// Deflate's own: 32 KiB.
pub(super) const WINDOW_BITS_MAX: u8 = 15;
