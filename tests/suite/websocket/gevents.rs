//! `environ["wsgi.websocket"]`: code that was written for gevent-websocket.

use crate::support::Server;
use crate::support::websocket::Peer;

each_of! { Gthread, Coroutine;
fn code_for_gevent_websocket_runs_as_it_is(engine) {
    let server = Server::start(engine, "talking", &[]);
    let mut peer = Peer::connect(&server, "/gevents", &["Origin: http://page"]);
    assert_eq!(peer.text(), "13 /gevents http://page False");
    peer.send_text("text");
    assert_eq!(peer.text(), "text");
    peer.send_bytes(b"bytes".to_vec());
    assert_eq!(peer.bytes(), b"bytes");
    assert_eq!(peer.close(1000, "").0, 1000);
    server.wait_for_notes("None True WebSocketError\n");
    server.stop();
}
}
