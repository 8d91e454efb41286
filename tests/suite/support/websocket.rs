//! A WebSocket client: tungstenite, behind a handshake of raw bytes; for what breaks the rules, its socket.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tungstenite::{Error, Message, Utf8Bytes, WebSocket};

use crate::support::client::Client;
use crate::support::wait::PATIENCE;
use crate::support::{Response, Server};

/// A client whose handshake was answered 101.
pub struct Peer {
    pub socket: WebSocket<TcpStream>,
    /// The 101.
    pub answer: Response,
}

impl Peer {
    /// With `lines` of the head beside those that it needs.
    pub fn connect(server: &Server, path: &str, lines: &[&str]) -> Peer {
        let mut client = server.connect();
        client.send(handshake(path, lines));
        let answer = client.response();
        assert_eq!(answer.status, 101, "{answer:?}");
        Peer { socket: speaking_on(client), answer }
    }

    /// One whose handshake was answered already.
    pub fn continuing(client: Client, answer: Response) -> Peer {
        Peer { socket: speaking_on(client), answer }
    }

    pub fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).unwrap();
    }

    pub fn send_bytes(&mut self, bytes: Vec<u8>) {
        self.socket.send(Message::binary(bytes)).unwrap();
    }

    /// Bytes as they are.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.socket.get_mut().write_all(bytes).unwrap();
    }

    /// Waits until something has come, and leaves it there.
    pub fn wait_for_some(&mut self) {
        assert_eq!(self.socket.get_mut().peek(&mut [0]).unwrap(), 1);
    }

    /// The next text.
    pub fn text(&mut self) -> String {
        match self.next().unwrap() {
            Message::Text(text) => text.to_string(),
            other => panic!("no text: {other:?}"),
        }
    }

    /// The next binary message.
    pub fn bytes(&mut self) -> Vec<u8> {
        match self.next().unwrap() {
            Message::Binary(bytes) => bytes.to_vec(),
            other => panic!("no binary message: {other:?}"),
        }
    }

    /// The next frame that is no message's.
    pub fn control(&mut self) -> Message {
        self.next().unwrap()
    }

    pub fn next(&mut self) -> Result<Message, Error> {
        self.socket.read()
    }

    /// Closes, and reads to the end: the server's code and reason.
    pub fn close(&mut self, code: u16, reason: &str) -> (u16, String) {
        let reason = Utf8Bytes::from(reason.to_owned());
        self.socket.close(Some(CloseFrame { code: code.into(), reason })).unwrap();
        self.closed()
    }

    /// Answers pings, which tungstenite does by itself, until `is_over`; nothing else comes meanwhile.
    pub fn answer_pings_until(&mut self, is_over: impl Fn() -> bool) {
        self.socket.get_mut().set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        while !is_over() {
            if let Ok(message) = self.next() {
                assert!(message.is_ping(), "{message}");
            }
        }
        self.socket.get_mut().set_read_timeout(Some(PATIENCE)).unwrap();
    }

    /// Reads to the end: the server's code and reason.
    pub fn closed(&mut self) -> (u16, String) {
        let mut closed = None;
        loop {
            match self.next() {
                Ok(Message::Close(Some(frame))) => {
                    closed.get_or_insert((frame.code.into(), frame.reason.to_string()));
                }
                Ok(_) => {}
                Err(Error::ConnectionClosed | Error::AlreadyClosed) => {
                    return closed.expect("a close frame with a code");
                }
                Err(error) => panic!("{error}, after {closed:?}"),
            }
        }
    }

    /// Whether the connection ends without a close frame.
    pub fn is_broken_off(&mut self) -> bool {
        loop {
            match self.next() {
                Ok(Message::Close(_)) | Err(Error::ConnectionClosed) => return false,
                Ok(_) => {}
                Err(_) => return true,
            }
        }
    }
}

/// The bytes of a handshake.
pub fn handshake(path: &str, lines: &[&str]) -> String {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    format!(
        "GET {path} HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{lines}\r\n"
    )
}

fn speaking_on(client: Client) -> WebSocket<TcpStream> {
    let (stream, rest) = client.into_parts();
    // As much as a test asks for.
    let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
    WebSocket::from_partially_read(stream, rest, Role::Client, Some(config))
}

/// A masked frame of raw bytes; `first` is the header's first byte.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let key = [7, 1, 2, 9];
    let len = payload.len() as u64;
    let mut bytes = vec![first];
    match len {
        0..=125 => bytes.push(0x80 | len as u8),
        126..=0xffff => {
            bytes.push(0xfe);
            bytes.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            bytes.push(0xff);
            bytes.extend_from_slice(&len.to_be_bytes());
        }
    }
    bytes.extend_from_slice(&key);
    bytes.extend(payload.iter().enumerate().map(|(at, byte)| byte ^ key[at % 4]));
    bytes
}
