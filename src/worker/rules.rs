//! The settings that say which requests are taken, in the words of `http`.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use unicoro_contract::{SocketAddress, Tempo};

use crate::config::{HeaderMap, Networks, ProxyProtocol, Settings};
use crate::exchange::BodyRules;
use crate::http::{
    Forwarding, Framing, Head, HttpError, Leniency, Limits, ProxyVersions, Underscores, below,
    forwarded_client, parse_lenient,
};

/// What a server demands of its clients.
pub struct Rules {
    /// How big a head may be.
    pub limits: Limits,
    /// What is forgiven in a head.
    pub leniency: Leniency,
    /// What a trusted proxy may say.
    forwarding: Forwarding,
    /// Which PROXY headers are looked for.
    pub proxy_versions: ProxyVersions,
    /// How long and how slow a body may be.
    pub body: BodyRules,
    /// From a head's first byte to its last.
    pub head_timeout: Option<Duration>,
    /// How slowly a client may take its response.
    pub response: Tempo,
    /// `SCRIPT_NAME` of the process's environment.
    script_name: String,
    forwarded_allow: Networks,
    proxy_allow: Networks,
}

impl Rules {
    /// The rules of `settings`. Reads the environment, which loading the application has completed.
    pub fn new(settings: &Settings) -> Self {
        let script_name = std::env::var_os("SCRIPT_NAME").unwrap_or_default();
        Self {
            limits: Limits {
                line: settings.requests.limit_request_line.unwrap_or(0),
                fields: settings.requests.limit_request_fields,
                field_size: settings.requests.limit_request_field_size.unwrap_or(0),
            },
            leniency: leniency(settings),
            forwarding: forwarding(settings),
            proxy_versions: proxy_versions(settings.requests.proxy_protocol),
            body: BodyRules {
                longest: settings.requests.limit_request_body.unwrap_or(u64::MAX),
                tempo: Tempo {
                    idle: settings.requests.client_body_timeout,
                    min_rate: settings.requests.client_body_min_rate,
                },
            },
            head_timeout: settings.requests.client_header_timeout,
            response: Tempo {
                idle: settings.requests.client_send_timeout,
                min_rate: settings.requests.client_send_min_rate,
            },
            script_name: script_name.to_string_lossy().into_owned(),
            forwarded_allow: settings.requests.forwarded_allow_ips.clone(),
            proxy_allow: settings.requests.proxy_allow_ips.clone(),
        }
    }

    /// Rewrites a head that is forgiven what the parser does not take.
    ///
    /// # Errors
    /// It is not forgiven.
    pub fn loosen(&self, head: &mut [u8]) -> Result<(), HttpError> {
        if self.leniency.rewrites() { self.leniency.loosen(head, &self.limits) } else { Ok(()) }
    }

    /// Parses a whole head.
    ///
    /// # Errors
    /// It breaks a rule.
    pub fn parse<'b>(&self, head: &'b [u8]) -> Result<Head<'b>, HttpError> {
        parse_lenient(head, &self.limits, &self.leniency)
    }

    /// Judges what `parse` leaves to the settings, and takes out of the head what is not to be believed.
    ///
    /// # Errors
    /// The request is not served.
    pub fn admit<'a>(
        &'a self,
        head: &mut Head<'a>,
        peer: &SocketAddress,
    ) -> Result<Admission<'a>, HttpError> {
        let forwarded = self.forwarding.apply(head, self.is_trusted_forwarder(peer))?;
        let longest = self.body.longest;
        if matches!(head.framing, Framing::Length(length) if length > longest) {
            return Err(HttpError::body_too_long(longest));
        }
        let script_name = forwarded.script_name.map(String::from_utf8_lossy);
        let script_name = script_name.unwrap_or(Cow::Borrowed(&self.script_name));
        let path = below(head.target.path, &script_name)?;
        Ok(Admission { is_https: forwarded.is_https, script_name, path })
    }

    /// Whom a trusted peer has named as its client.
    pub fn forwarded_client(&self, head: &Head<'_>, peer: &SocketAddress) -> Option<SocketAddress> {
        if !self.is_trusted_forwarder(peer) {
            return None;
        }
        forwarded_client(head, |ip| self.forwarded_allow.contains(ip)).map(SocketAddress::Ip)
    }

    /// Whether this peer of a connection may say what its own client is.
    fn is_trusted_forwarder(&self, peer: &SocketAddress) -> bool {
        ip(peer).is_none_or(|ip| self.forwarded_allow.contains(ip))
    }

    /// Whether this peer's PROXY header is believed.
    pub fn is_trusted_proxy(&self, peer: &SocketAddress) -> bool {
        ip(peer).is_none_or(|ip| self.proxy_allow.contains(ip))
    }
}

/// What a request that is served is for, by the settings and by trusted proxies.
pub struct Admission<'a> {
    /// Whether the client speaks https.
    pub is_https: bool,
    /// Where the application is mounted.
    pub script_name: Cow<'a, str>,
    /// The path below that, still percent-encoded.
    pub path: &'a str,
}

/// A peer on a unix socket has none, and is trusted: the file's mode says who may connect.
fn ip(peer: &SocketAddress) -> Option<IpAddr> {
    match peer {
        SocketAddress::Ip(address) => Some(address.ip()),
        SocketAddress::Unix(_) => None,
    }
}

fn leniency(settings: &Settings) -> Leniency {
    Leniency {
        permit_obsolete_folding: settings.requests.permit_obsolete_folding,
        strip_header_spaces: settings.requests.strip_header_spaces,
        permit_unconventional_http_method: settings.requests.permit_unconventional_http_method,
        permit_unconventional_http_version: settings.requests.permit_unconventional_http_version,
        casefold_http_method: settings.requests.casefold_http_method,
    }
}

fn forwarding(settings: &Settings) -> Forwarding {
    Forwarding {
        underscores: match settings.requests.header_map {
            HeaderMap::Drop => Underscores::Drop,
            HeaderMap::Refuse => Underscores::Refuse,
            HeaderMap::Dangerous => Underscores::Pass,
        },
        forwarder_headers: settings.requests.forwarder_headers.clone(),
        secure_scheme_headers: settings.requests.secure_scheme_headers.clone(),
    }
}

fn proxy_versions(setting: ProxyProtocol) -> ProxyVersions {
    ProxyVersions {
        v1: matches!(setting, ProxyProtocol::V1 | ProxyProtocol::Auto),
        v2: matches!(setting, ProxyProtocol::V2 | ProxyProtocol::Auto),
    }
}
