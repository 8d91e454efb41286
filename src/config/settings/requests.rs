//! What is asked of clients and borne from them, proxies included.

use std::time::Duration;

use super::winners::{Winners, none_if_zero};
use crate::config::error::ConfigError;
use crate::config::table;
use crate::config::table::setting::Kind;
use crate::config::values::networks::Networks;

/// What becomes of headers whose names have an underscore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderMap {
    /// Such headers are left out.
    Drop,
    /// A request with such a header is refused.
    Refuse,
    /// The application gets such headers.
    Dangerous,
}

/// Which PROXY protocol headers are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// None: one is a malformed request.
    Off,
    /// Version 1, a line of text.
    V1,
    /// Version 2, the binary header.
    V2,
    /// Both versions are taken.
    Auto,
}

/// The settings about requests. Fields bear gunicorn's names.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestSettings {
    /// Bytes; `None`: no limit of its own.
    pub limit_request_line: Option<usize>,
    /// Fields; at least 1.
    pub limit_request_fields: usize,
    /// Bytes; `None`: no limit of its own.
    pub limit_request_field_size: Option<usize>,
    /// Bytes; `None`: no limit.
    pub limit_request_body: Option<u64>,
    /// Bytes that are read to keep a connection.
    pub limit_unread_body: usize,
    /// `None`: no limit.
    pub limit_pipelined_requests: Option<u64>,
    /// `None`: a head may take for ever.
    pub client_header_timeout: Option<Duration>,
    /// `None`: a body may pause for ever.
    pub client_body_timeout: Option<Duration>,
    /// Bytes a second; 0: no limit.
    pub client_body_min_rate: u64,
    /// `None`: a response may be taken as slowly as the client likes.
    pub client_send_timeout: Option<Duration>,
    /// Bytes a second; 0: no limit.
    pub client_send_min_rate: u64,
    /// Whether header lines may be folded.
    pub permit_obsolete_folding: bool,
    /// Whether white space may stand before a header's colon.
    pub strip_header_spaces: bool,
    /// Whether any token is a method.
    pub permit_unconventional_http_method: bool,
    /// Whether any two digits are a version.
    pub permit_unconventional_http_version: bool,
    /// Whether methods are put into capitals.
    pub casefold_http_method: bool,
    /// What becomes of names with an underscore.
    pub header_map: HeaderMap,
    /// Whose scheme and forwarder headers are believed.
    pub forwarded_allow_ips: Networks,
    /// Header names, and the value of each that means https.
    pub secure_scheme_headers: Vec<(String, String)>,
    /// Names with an underscore that a trusted proxy may send; `*` is all.
    pub forwarder_headers: Vec<String>,
    /// Which PROXY protocol headers are read.
    pub proxy_protocol: ProxyProtocol,
    /// Whose PROXY protocol header is believed.
    pub proxy_allow_ips: Networks,
}

/// Resolves the settings about requests and clients.
pub fn resolve(winners: &Winners<'_>) -> Result<RequestSettings, ConfigError> {
    Ok(RequestSettings {
        limit_request_line: none_if_zero(winners.int("limit_request_line")?),
        limit_request_fields: limit_request_fields(winners)?,
        limit_request_field_size: limit_request_field_size(winners)?,
        limit_request_body: none_if_zero(winners.int("limit_request_body")?),
        limit_unread_body: winners.int("limit_unread_body")?,
        limit_pipelined_requests: none_if_zero(winners.int("limit_pipelined_requests")?),
        client_header_timeout: winners.seconds("client_header_timeout")?,
        client_body_timeout: winners.seconds("client_body_timeout")?,
        client_body_min_rate: winners.int("client_body_min_rate")?,
        client_send_timeout: winners.seconds("client_send_timeout")?,
        client_send_min_rate: winners.int("client_send_min_rate")?,
        permit_obsolete_folding: winners.flag("permit_obsolete_folding")?,
        strip_header_spaces: winners.flag("strip_header_spaces")?,
        permit_unconventional_http_method: winners.flag("permit_unconventional_http_method")?,
        permit_unconventional_http_version: winners.flag("permit_unconventional_http_version")?,
        casefold_http_method: winners.flag("casefold_http_method")?,
        header_map: header_map(winners)?,
        forwarded_allow_ips: winners.networks("forwarded_allow_ips")?,
        secure_scheme_headers: winners.pairs("secure_scheme_headers")?,
        forwarder_headers: winners.texts("forwarder_headers")?,
        proxy_protocol: proxy_protocol(winners)?,
        proxy_allow_ips: winners.networks("proxy_allow_ips")?,
    })
}

fn limit_request_fields(winners: &Winners<'_>) -> Result<usize, ConfigError> {
    let most = match table::find("limit_request_fields").map(|setting| setting.kind) {
        Some(Kind::Capped { cap }) => usize::try_from(cap).unwrap_or(usize::MAX),
        _ => usize::MAX,
    };
    Ok(none_if_zero(winners.int("limit_request_fields")?).unwrap_or(most))
}

/// gunicorn: its documents say that 0 means no limit, its code uses the default.
fn limit_request_field_size(winners: &Winners<'_>) -> Result<Option<usize>, ConfigError> {
    Ok(none_if_zero(winners.int("limit_request_field_size")?))
}

fn header_map(winners: &Winners<'_>) -> Result<HeaderMap, ConfigError> {
    Ok(match winners.text("header_map")?.as_str() {
        "refuse" => HeaderMap::Refuse,
        "dangerous" => HeaderMap::Dangerous,
        _ => HeaderMap::Drop,
    })
}

fn proxy_protocol(winners: &Winners<'_>) -> Result<ProxyProtocol, ConfigError> {
    Ok(match winners.text("proxy_protocol")?.as_str() {
        "v1" => ProxyProtocol::V1,
        "v2" => ProxyProtocol::V2,
        "auto" => ProxyProtocol::Auto,
        _ => ProxyProtocol::Off,
    })
}
