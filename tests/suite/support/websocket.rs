//! A WebSocket client: tungstenite behind a handshake of raw bytes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use tungstenite::protocol::Role;
use tungstenite::{Error, Message};

use crate::support::wait::PATIENCE;

pub struct WebSocket(tungstenite::WebSocket<TcpStream>);

impl WebSocket {
    pub fn connect(address: SocketAddr, path: &str) -> WebSocket {
        let mut stream =
            TcpStream::connect_timeout(&address, PATIENCE).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        // Byte by byte: what follows the head is the first frame's.
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).expect("a head, not the end of the connection");
            head.extend(byte);
        }
        let head = String::from_utf8_lossy(&head).to_lowercase();
        assert!(head.starts_with("http/1.1 101 "), "{head}");
        // What RFC 6455 answers to its own example of a key.
        assert!(
            head.contains("\r\nsec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"),
            "{head}"
        );
        WebSocket(tungstenite::WebSocket::from_raw_socket(stream, Role::Client, None))
    }

    pub fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).expect("the server takes the message");
    }

    /// The next text; pings are answered and skipped.
    pub fn text(&mut self) -> String {
        loop {
            match self.0.read().expect("a message, not the end of the connection") {
                Message::Text(text) => return text.to_string(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("not a text: {other:?}"),
            }
        }
    }

    /// Says good-bye, and waits for the answer and the end of the connection.
    pub fn close(mut self) {
        self.0.close(None).unwrap();
        loop {
            match self.0.read() {
                Ok(_) => {}
                Err(Error::ConnectionClosed) => return,
                Err(error) => panic!("no clean end: {error}"),
            }
        }
    }
}
