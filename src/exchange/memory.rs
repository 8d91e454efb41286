//! What the handler remembers of the few connections that need it: a PROXY header, how many
//! pipelined requests were answered in a row, what a client still sends that nobody reads, and what is called
//! for the messages of a WebSocket. All others cost nothing.

use unicoro_contract::{Connection, SocketAddress};

use super::left::Left;
use super::leftover::Leftover;
use crate::http::ProxyHeader;

/// Kept in [`Connection::memory`].
#[derive(Default)]
pub struct Memory {
    /// The start of the connection was looked at.
    pub is_prefaced: bool,
    /// What the PROXY header there said, if there was one.
    pub proxy: Option<ProxyHeader>,
    /// Requests answered while the next had come already.
    pub in_a_row: u64,
    /// To be thrown away before anything else of the connection is looked at.
    pub leftover: Option<Leftover>,
    /// What is called for its messages, if it is a WebSocket that was left.
    pub left: Option<Left>,
}

impl Memory {
    /// Of a connection; `None`: nothing is remembered.
    pub fn of(conn: &Connection) -> Option<&Memory> {
        conn.memory.as_ref()?.downcast_ref()
    }

    /// Of a connection, to write.
    pub fn of_mut(conn: &mut Connection) -> &mut Memory {
        let memory = conn.memory.get_or_insert_with(|| Box::new(Memory::default()));
        memory.downcast_mut().expect("nobody else writes Connection::memory")
    }

    /// Takes out what is to be thrown away.
    pub fn take_leftover(conn: &mut Connection) -> Option<Leftover> {
        conn.memory.as_mut()?.downcast_mut::<Memory>()?.leftover.take()
    }

    /// The client: whom a PROXY header names, else who has connected.
    pub fn client(conn: &Connection) -> SocketAddress {
        match Memory::of(conn).and_then(|memory| memory.proxy) {
            Some(ProxyHeader::Tcp { client, .. }) => SocketAddress::Ip(client),
            _ => conn.peer.clone(),
        }
    }
}
