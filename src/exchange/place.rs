//! Where a request comes from, and what it is for, as the proxies in front have it.

use unicoro_contract::SocketAddress;

use crate::http::ProxyHeader;

/// The two ends of a request's connection, and the path, as the proxies in front have it.
pub struct Place<'a> {
    /// The client's end of the connection.
    pub client: &'a SocketAddress,
    /// Our end of the connection.
    pub local: &'a SocketAddress,
    /// What a PROXY header said.
    pub proxy: Option<&'a ProxyHeader>,
    /// Whether the client speaks https.
    pub is_https: bool,
    /// Where the application is mounted; no slash at the end.
    pub script_name: &'a str,
    /// The path below that, still percent-encoded.
    pub path: &'a str,
}
