//! The numbers of close frames (RFC 6455, 7.4; the IANA registry of WebSocket close codes).

/// The purpose of the connection is fulfilled.
pub const NORMAL: u16 = 1000;
/// The server goes down, or the page is left.
pub const GOING_AWAY: u16 = 1001;
/// The peer broke a rule of the protocol.
pub const PROTOCOL_ERROR: u16 = 1002;
/// A kind of data that is not accepted.
pub const UNSUPPORTED_DATA: u16 = 1003;
/// Never sent: the close frame had no code.
pub const NO_STATUS: u16 = 1005;
/// Never sent: the connection ended without a close frame.
pub const ABNORMAL: u16 = 1006;
/// Data that is not what its type says, such as text that is no UTF-8.
pub const INVALID_PAYLOAD: u16 = 1007;
/// A rule of the application's was broken.
pub const POLICY_VIOLATION: u16 = 1008;
/// A message that is longer than the receiver takes.
pub const MESSAGE_TOO_BIG: u16 = 1009;
/// The server failed.
pub const INTERNAL_ERROR: u16 = 1011;
/// The server restarts.
pub const SERVICE_RESTART: u16 = 1012;
/// The server is overloaded.
pub const TRY_AGAIN_LATER: u16 = 1013;

/// Whether a close frame may carry `code`: those that RFC 6455, 7.4.1 defines for it, those that IANA
/// has registered since (1012 to 1014), and the ranges of 7.4.2 for libraries and applications.
pub fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

#[cfg(test)]
mod tests {
    use super::may_be_sent;

    #[test]
    fn reserved_and_unassigned_codes_are_not_sent() {
        for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014] {
            assert!(may_be_sent(code), "{code}");
        }
        for code in [3000, 3999, 4000, 4999] {
            assert!(may_be_sent(code), "{code}");
        }
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, u16::MAX] {
            assert!(!may_be_sent(code), "{code}");
        }
    }
}
