//! A client's frames as tungstenite reads them. Messages, and whether the connection goes on, is closed or
//! fails, must agree with `websocket`, however the input is cut.
//!
//! tungstenite judges a frame when it is whole, and `websocket` with the byte that shows a fault. So what
//! fails here is given to it with more bytes, after which it must have failed too.

use std::io::{self, Read, Write};

use tungstenite::error::{Error, ProtocolError};
use tungstenite::protocol::{Message, Role, WebSocketConfig, WebSocketContext};

use crate::websocket::{Decoder, Event, Kind};

/// Bytes of a message.
const LIMIT: usize = 300;

/// Bytes behind a fault: enough for the rest of any frame that is within the limit. Those that are taken for
/// a header begin a masked one of no payload.
const PADDING: [u8; LIMIT + 32] = [0x80; LIMIT + 32];

#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    Closed,
    Failed,
    /// A control frame says its length in more than seven bits, which is wrong whatever it says: it has
    /// more than 125 bytes, or could have said so in seven (RFC 6455, 5.2). tungstenite takes the second.
    FailedByLength,
}

type Outcome = (Vec<Said>, End);

/// Panics where `websocket` and tungstenite disagree. The first byte chooses the cut too.
pub fn check(data: &[u8]) {
    let found = decode(data, &[data.len()]);
    let cut = data.first().map_or(0, |byte| usize::from(*byte) % (data.len() + 1));
    for ends in [vec![cut, data.len()], (0..=data.len()).collect()] {
        assert_eq!(decode(data, &ends), found, "{ends:?}: {}", data.escape_ascii());
    }
    let (mut said, mut end) = found;
    let padded = [data, &PADDING].concat();
    let has_failed = matches!(end, End::Failed | End::FailedByLength);
    let mut expected = model(if has_failed { &padded } else { data });
    if end == End::FailedByLength {
        assert!(expected.0.starts_with(&said), "{}", data.escape_ascii());
        return;
    }
    // tungstenite does not know this code, which IANA has registered.
    if let Some(Said::Close(Some((1014, _)))) = said.last() {
        said.pop();
        end = End::Failed;
    }
    // It gives a code that must not be sent as this.
    let violation = Said::Close(Some((1002, "Protocol violation".to_owned())));
    if end == End::Failed && expected.0.last() == Some(&violation) {
        expected.0.pop();
        expected.1 = End::Failed;
    }
    assert_eq!((said, end), expected, "{}", data.escape_ascii());
}

/// As a connection does: bytes arrive up to each of `ends`.
fn decode(bytes: &[u8], ends: &[usize]) -> Outcome {
    let mut decoder = Decoder::new(LIMIT, None);
    let (mut said, mut at) = (Vec::new(), 0);
    for end in ends {
        let mut piece = &bytes[at..*end];
        at = *end;
        loop {
            match decoder.feed(&mut piece) {
                Ok(Some(event)) => said.push(of(event)),
                Ok(None) => break,
                Err(failure) if failure.reason.starts_with("a control frame has more") => {
                    return (said, End::FailedByLength);
                }
                Err(_) => return (said, End::Failed),
            }
        }
        assert!(piece.is_empty(), "bytes are left");
    }
    (said, if decoder.has_ended() { End::Closed } else { End::Open })
}

fn of(event: Event) -> Said {
    match event {
        Event::Message(message) => match message.kind {
            Kind::Text => Said::Text(message.data),
            Kind::Binary => Said::Binary(message.data),
        },
        Event::Ping(payload) => Said::Ping(payload.to_vec()),
        Event::Pong(payload) => Said::Pong(payload.to_vec()),
        Event::Close(close) => Said::Close(close.map(|c| (c.code(), c.reason().to_owned()))),
    }
}

/// A client that has sent these bytes, and reads nothing.
struct Client<'b>(&'b [u8]);

impl Read for Client<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(out)
    }
}

impl Write for Client<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn model(bytes: &[u8]) -> Outcome {
    let config = WebSocketConfig::default()
        .read_buffer_size(256)
        .write_buffer_size(0)
        .max_message_size(Some(LIMIT))
        .max_frame_size(Some(LIMIT));
    let mut context = WebSocketContext::new(Role::Server, Some(config));
    let mut client = Client(bytes);
    let mut said = Vec::new();
    loop {
        match context.read(&mut client) {
            Ok(Message::Text(text)) => said.push(Said::Text(text.as_bytes().to_vec())),
            Ok(Message::Binary(data)) => said.push(Said::Binary(data.to_vec())),
            Ok(Message::Ping(data)) => said.push(Said::Ping(data.to_vec())),
            Ok(Message::Pong(data)) => said.push(Said::Pong(data.to_vec())),
            Ok(Message::Close(close)) => {
                let close = close.map(|c| (u16::from(c.code), c.reason.as_str().to_owned()));
                said.push(Said::Close(close));
            }
            Ok(Message::Frame(_)) => unreachable!("only writers give frames"),
            Err(Error::ConnectionClosed) => return (said, End::Closed),
            Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => {
                return (said, End::Open);
            }
            Err(_) => return (said, End::Failed),
        }
    }
}
