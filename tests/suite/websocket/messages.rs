//! Messages in and out, and what the calls of the application say.

use std::collections::HashMap;

use tungstenite::Message;

use crate::support::websocket::{Peer, frame};
use crate::support::{Engine, Server};

each_of! { Sync, Gthread, Coroutine;
fn messages_of_each_size_and_kind_come_back(engine) {
    let server = Server::start(engine, "talking", &[]);
    let mut peer = Peer::connect(&server, "/echo", &[]);
    assert_eq!(peer.answer.header("sec-websocket-extensions"), None);
    for size in [0, 1, 125, 126, 65_535, 65_536, 1 << 20] {
        let text = "\u{e9}".repeat(size / 2) + &"x".repeat(size % 2);
        peer.send_text(&text);
        assert!(peer.text() == text, "{size}");
        peer.send_bytes(vec![7; size]);
        assert!(peer.bytes() == vec![7; size], "{size}");
    }
    // In fragments, with a ping between, byte by byte.
    let bytes = [frame(0x01, b"in "), frame(0x89, b"?"), frame(0x80, b"pieces")].concat();
    bytes.chunks(1).for_each(|byte| peer.send_raw(byte));
    assert_eq!(peer.control(), Message::Pong(b"?".as_slice().into()));
    assert_eq!(peer.text(), "in pieces");
    assert_eq!(peer.close(1000, ""), (1000, String::new()));
    server.wait_for_notes("echo ended with 1000");

    let mut generator = Peer::connect(&server, "/generator", &[]);
    for text in ["one", "two"] {
        generator.send_text(text);
        assert_eq!(generator.text(), text);
    }
    assert_eq!(generator.closed().0, 1000);
    server.stop();
}
}

each_of! { Sync, Gthread, Coroutine;
fn an_application_is_told_how_its_client_has_closed(engine) {
    let mut server = Server::start(engine, "talking", &[]);
    let mut peer = Peer::connect(&server, "/said", &[]);
    assert_eq!(peer.text(), "RuntimeError TypeError ValueError TimeoutError TimeoutError");
    assert_eq!(peer.close(4000, "bye"), (4000, "bye".to_owned()));
    server.wait_for_notes("closed: 4000 'bye' True 4000 4000 bye\nlate: 4000\n");

    let mut peer = Peer::connect(&server, "/closes", &[]);
    peer.send_text("x");
    assert_eq!(peer.closed(), (4001, "enough".to_owned()));
    server.wait_for_notes("after close: 4001 enough\n");

    // Gone without a word, with half a message.
    let mut peer = Peer::connect(&server, "/waits", &[]);
    peer.send_raw(&frame(0x81, b"whole")[..7]);
    drop(peer);
    server.wait_for_notes("waits ended with 1006\n");

    let mut peer = Peer::connect(&server, "/fails", &[]);
    assert_eq!(peer.text(), "soon");
    assert_eq!(peer.closed(), (1011, String::new()));
    server.expect_errors();
    server.wait_for_log("ValueError: a fault of the view");
    server.stop();
}
}

each_of! { Gthread, Coroutine;
fn several_threads_may_send_at_once_each_message_whole(engine) {
    let server = Server::start(engine, "talking", &["--websocket-queue", "1000"]);
    let mut peer = Peer::connect(&server, "/many_senders", &[]);
    // Their messages wait for each other, because nobody reads yet.
    peer.send_text("asked");
    for _ in 0..160 {
        let text = peer.text();
        assert!(text.bytes().all(|letter| letter == text.as_bytes()[0]), "{text:.40}");
    }
    assert_eq!(peer.text(), "all sent, asked");
    server.stop();
}
}

each_of! { Gthread, Coroutine;
fn of_two_that_receive_each_message_comes_to_one_and_the_end_to_both(engine) {
    let server = Server::start(engine, "talking", &[]);
    let mut peer = Peer::connect(&server, "/two_receive", &[]);
    let mut last = HashMap::new();
    for pair in 0..100 {
        let numbers = [2 * pair, 2 * pair + 1];
        let both = numbers.map(|number| frame(0x81, number.to_string().as_bytes())).concat();
        peer.send_raw(&both);
        let mut come = [(); 2].map(|()| {
            let text = peer.text();
            let (name, number) = text.split_once(' ').unwrap();
            let number: i32 = number.parse().unwrap();
            assert!(last.insert(name.to_owned(), number) < Some(number), "{text}");
            number
        });
        come.sort_unstable();
        assert_eq!(come, numbers);
    }
    assert_eq!(peer.close(1000, "").0, 1000);
    server.wait_for_notes("one ended with 1000\n");
    server.wait_for_notes("other ended with 1000\n");
    server.stop();
}
}

#[test]
fn a_prepared_message_comes_to_each_with_and_without_compression() {
    let server =
        Server::start(Engine::Coroutine, "talking", &["--websocket-compression", "context"]);
    let offer = ["Sec-WebSocket-Extensions: permessage-deflate"];
    let mut plain: Vec<Peer> = (0..3).map(|_| Peer::connect(&server, "/room", &[])).collect();
    let mut deflating = Peer::connect(&server, "/room", &offer);
    assert_eq!(deflating.answer.header("sec-websocket-extensions"), Some("permessage-deflate"));
    let text = "a long text that is worth it; ".repeat(100);
    plain[0].send_text(&text);
    for peer in &mut plain {
        assert!(peer.text() == text);
    }
    // tungstenite knows no compression: it must complain of the bit that says so.
    assert!(deflating.next().unwrap_err().to_string().contains("Reserved bits"));
    server.stop();
}
