//! Where a server sends what it logs and counts, other than files.

use std::net::UdpSocket;

use crate::support::wait;

/// Datagrams on a port of its own.
pub struct Collector(UdpSocket);

impl Collector {
    pub fn new() -> Collector {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(wait::PATIENCE)).unwrap();
        Collector(socket)
    }

    pub fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    /// Reads until one contains `text`.
    pub fn wait_for(&self, text: &str) -> String {
        self.read_until(text, |_| ())
    }

    /// The same; `see` sees all that came before.
    pub fn read_until(&self, text: &str, mut see: impl FnMut(&str)) -> String {
        loop {
            let mut buffer = [0; 4096];
            let length = wait::uninterrupted(|| self.0.recv(&mut buffer))
                .unwrap_or_else(|_| panic!("no {text:?} came"));
            let message = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if message.contains(text) {
                return message;
            }
            see(&message);
        }
    }
}
