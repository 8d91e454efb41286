//! WebSocket libraries on `gunicorn.socket`, unchanged: many clients at once, some of whom say
//! good-bye, and some of whom are gone.

use std::time::Duration;

use crate::support::websocket::Peer;
use crate::support::{Server, wait};

/// Fewer than gthread has threads: each takes one.
const CLIENTS: usize = 10;
/// What importing the libraries may take on a busy machine.
const BOOT: Duration = Duration::from_secs(60);

/// Each client gets its own text back while all are connected; then half of them close, and the others drop
/// the connection.
fn echoes(server: &Server, path: &str, open: fn(&mut Peer), wrap: fn(usize) -> String) {
    let connect = |_| {
        let mut client = Peer::connect(server, path, &[]);
        open(&mut client);
        client
    };
    let mut clients: Vec<Peer> = (0..CLIENTS).map(connect).collect();
    for _ in 0..3 {
        for (number, client) in clients.iter_mut().enumerate() {
            client.send_text(&wrap(number));
        }
        for (number, client) in clients.iter_mut().enumerate() {
            assert_eq!(client.text(), wrap(number), "{path}");
        }
    }
    for client in clients.iter_mut().step_by(2) {
        assert_eq!(client.close(1000, "").0, 1000, "{path}");
    }
}

/// Socket.IO's: Engine.IO opens, then the name space is entered.
fn open_socketio(client: &mut Peer) {
    assert!(client.text().starts_with("0{"), "Engine.IO opens");
    client.send_text("40");
    assert!(client.text().starts_with("40{"), "Socket.IO connects");
}

fn event(number: usize) -> String {
    format!("42[\"echo\",\"{number}\"]")
}

each_of! { Gthread, Coroutine; fn websocket_libraries_run_unchanged(engine) {
    let server = Server::start(engine, "websocket_libraries", &[]);
    let are_imported = || server.notes().contains("imported").then_some(());
    wait::until("the libraries to be imported", BOOT, are_imported);
    echoes(&server, "/flask-sock", |_| (), |number| number.to_string());
    echoes(&server, "/simple-websocket", |_| (), |number| number.to_string());
    for library in ["python-socketio", "flask-socketio"] {
        let path = format!("/{library}/?EIO=4&transport=websocket");
        echoes(&server, &path, open_socketio, event);
    }
    // Each is told that its clients have gone, whichever way.
    for library in ["simple-websocket", "python-socketio", "flask-socketio"] {
        let gone = format!("{library}: gone");
        wait::until_true(&gone, || server.notes().matches(&gone).count() == CLIENTS);
    }
    server.stop();
}}
