//! The PROXY header that a proxy in front may send once, before the first request of a connection.

use unicoro_contract::{Connection, SocketAddress};

use super::memory::Memory;
use crate::http::{HttpError, Preface, ProxyVersions, preface};

/// Takes it off the start of a connection, once, if `is_trusted` is true of the peer. False: more must
/// come first.
///
/// # Errors
/// It is malformed, or not the peer's to send.
pub fn take_preface(
    conn: &mut Connection,
    versions: ProxyVersions,
    is_trusted: impl FnOnce(&SocketAddress) -> bool,
) -> Result<bool, HttpError> {
    if !versions.any() || Memory::of(conn).is_some_and(|memory| memory.is_prefaced) {
        return Ok(true);
    }
    let proxy = match preface(conn.inbox.as_slice(), versions)? {
        Preface::Partial => return Ok(false),
        Preface::Absent => None,
        Preface::Header { .. } if !is_trusted(&conn.peer) => {
            return Err(HttpError::proxy_forbidden());
        }
        Preface::Header { len, header } => {
            conn.inbox.consume(len);
            Some(header)
        }
    };
    let memory = Memory::of_mut(conn);
    memory.is_prefaced = true;
    memory.proxy = proxy;
    Ok(true)
}
