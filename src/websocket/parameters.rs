//! What was agreed on for permessage-deflate (RFC 7692, 7.1).

use std::fmt;

/// The parameters of one connection; displayed as they stand in the server's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Each message of ours is compressed by itself.
    pub server_no_context_takeover: bool,
    /// Each message of the client's is compressed by itself.
    pub client_no_context_takeover: bool,
    /// How far back ours refer: 9 to 15.
    pub server_max_window_bits: u8,
    /// How far back the client's refer: 8 to 15.
    pub client_max_window_bits: u8,
    /// Whether the client can be told so (7.1.2.2).
    pub(super) tells_client_window: bool,
    /// Whether the client has asked for a window of the server's.
    pub(super) says_server_window: bool,
}

impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(NAME)?;
        if self.server_no_context_takeover {
            write!(f, "; {SERVER_NO_CONTEXT_TAKEOVER}")?;
        }
        if self.client_no_context_takeover {
            write!(f, "; {CLIENT_NO_CONTEXT_TAKEOVER}")?;
        }
        // 15 is what is meant where nothing is said. But who asks for a window is answered (7.1.2.1: accepting
        // the offer includes the parameter).
        if self.says_server_window || self.server_max_window_bits < 15 {
            write!(f, "; {SERVER_MAX_WINDOW_BITS}={}", self.server_max_window_bits)?;
        }
        if self.tells_client_window && self.client_max_window_bits < 15 {
            write!(f, "; {CLIENT_MAX_WINDOW_BITS}={}", self.client_max_window_bits)?;
        }
        Ok(())
    }
}

/// The extension's name.
pub(super) const NAME: &str = "permessage-deflate";
pub(super) const SERVER_NO_CONTEXT_TAKEOVER: &str = "server_no_context_takeover";
pub(super) const CLIENT_NO_CONTEXT_TAKEOVER: &str = "client_no_context_takeover";
pub(super) const SERVER_MAX_WINDOW_BITS: &str = "server_max_window_bits";
pub(super) const CLIENT_MAX_WINDOW_BITS: &str = "client_max_window_bits";
