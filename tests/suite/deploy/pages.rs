//! The pages of the examples in a real browser: on the server itself, and behind nginx.

use std::net::SocketAddr;

use crate::deploy::examples::Example;
use crate::deploy::nginx::Nginx;
use crate::support::{Page, Scratch};

/// Starts an example as its README says, and looks at its page.
fn direct(name: &str, look: impl FnOnce(SocketAddr)) {
    looked_at(&Example::read(name), look);
}

fn looked_at(example: &Example, look: impl FnOnce(SocketAddr)) {
    let server = example.start();
    look(example.address);
    server.stop();
}

/// The same behind nginx.
fn behind_nginx(name: &str, look: impl FnOnce(SocketAddr)) {
    let (example, scratch) = (Example::read(name), Scratch::new());
    let (server, _nginx) = example.start_behind_nginx(scratch.path());
    look(example.address);
    server.stop();
}

/// One click in one tab answers all that wait.
fn long_poll(address: SocketAddr) {
    let pages = [Page::open(address), Page::open(address)];
    for page in &pages {
        page.wait_for_text("answer", "Waiting …");
    }
    pages[0].click("set");
    for page in &pages {
        page.wait_for_text("answer", "It happened.");
    }
    pages[0].click("clear");
    pages[0].wait_for_text("answer", "Waiting …");
    pages[1].click("set");
    pages[0].wait_for_text("answer", "It happened.");
    assert_eq!((pages[0].number("asked"), pages[1].number("asked")), (2, 1));
    pages[0].picture("long_poll");
}

/// Each event comes when it is sent, and is drawn.
fn sse(address: SocketAddr) -> Page {
    let page = Page::open(address);
    page.wait_for_text("state", "live");
    page.wait_for("received >= 3");
    assert_eq!(page.number("missed"), 0);
    assert_eq!(page.value("document.getElementById('line').points.length == received"), true);
    page
}

/// Who votes in one window is seen in the other, by WebSocket.
fn socketio(address: SocketAddr) {
    let pages = [Page::open(address), Page::open(address)];
    for page in &pages {
        page.wait_for_text("transport", "websocket");
        page.wait_for_text("people", "2");
    }
    for (page, choice) in [(&pages[0], "tea"), (&pages[1], "tea"), (&pages[1], "water")] {
        page.click(choice);
        page.wait_for_text("answer", "Counted.");
    }
    for page in &pages {
        page.wait_for_text("tea-votes", "2");
        page.wait_for_text("water-votes", "1");
    }
    let [staying, leaving] = pages;
    drop(leaving);
    staying.wait_for_text("people", "1");
    staying.picture("socketio");
}

fn say(page: &Page, text: &str) {
    page.value(&format!("document.getElementById('text').value = '{text}'"));
    page.click("say");
}

/// What is said in a room is read by all who are in it, and by nobody else.
fn chat(address: SocketAddr) {
    let pages = [Page::open(address), Page::open(address)];
    let elsewhere = Page::open_at(address, "/?room=kitchen");
    for (page, people) in pages.iter().map(|page| (page, "2")).chain([(&elsewhere, "1")]) {
        page.wait_for_text("state", "live");
        page.wait_for_text("people", people);
    }
    for (page, text) in [(&pages[0], "Hello?"), (&pages[1], "Hello, and welcome ☕")] {
        say(page, text);
        pages.iter().for_each(|page| page.wait_for(&format!("said.innerText.includes('{text}')")));
    }
    say(&elsewhere, "Is anybody here?");
    elsewhere.wait_for_text("said", "Is anybody here?");
    assert_eq!(pages[0].text("said"), "Hello?\nHello, and welcome ☕");
    pages[0].picture("chat");
    let [staying, leaving] = pages;
    drop(leaving);
    staying.wait_for_text("people", "1");
}

/// Who raises the counter, by WebSocket or by HTTP, raises it for all who watch.
fn counter(address: SocketAddr) {
    let pages = [Page::open(address), Page::open(address)];
    for page in &pages {
        page.wait_for_text("state", "live");
        page.wait_for_text("watchers", "2");
        page.wait_for_text("count", "0");
    }
    for (page, button, count) in [
        (&pages[0], "more", "1"),
        (&pages[1], "more", "2"),
        (&pages[1], "less", "1"),
        (&pages[0], "ten", "11"),
    ] {
        page.click(button);
        pages.iter().for_each(|page| page.wait_for_text("count", count));
    }
    let [staying, leaving] = pages;
    drop(leaving);
    staying.wait_for_text("watchers", "1");
    staying.picture("fastapi");
}

#[test]
fn long_polls_in_two_tabs_are_answered_by_one_click() {
    direct("long_poll", long_poll);
}

#[test]
fn a_live_ticker_draws_each_event_as_it_comes() {
    direct("sse", |address| sse(address).picture("sse"));
}

#[test]
fn a_vote_is_seen_in_each_window_by_websocket() {
    direct("socketio", socketio);
}

#[test]
fn what_is_said_in_a_room_is_read_by_all_who_are_in_it() {
    direct("chat", chat);
}

#[test]
fn a_chat_in_flask_is_the_same() {
    looked_at(&Example::read("chat").with_app("flask_app:app"), chat);
}

#[test]
fn a_counter_in_fastapi_is_raised_for_all_who_watch() {
    direct("fastapi", counter);
}

#[test]
fn each_page_works_behind_nginx() {
    behind_nginx("chat", chat);
    behind_nginx("fastapi", counter);
    behind_nginx("long_poll", long_poll);
    behind_nginx("socketio", socketio);
    behind_nginx("sse", |address| drop(sse(address)));
}

#[test]
fn a_live_ticker_that_lost_its_connection_misses_no_event() {
    let (example, scratch) = (Example::read("sse"), Scratch::new());
    let (server, nginx) = example.start_behind_nginx(scratch.path());
    let page = sse(example.address);
    drop(nginx);
    page.wait_for_text("state", "connecting again");
    let before = page.number("received");
    let _nginx = Nginx::start_on(example.address, scratch.path());
    page.wait_for_text("state", "live");
    page.wait_for(&format!("received > {before} + 1"));
    assert_eq!((page.number("missed"), page.number("connected")), (0, 2));
    drop(page);
    server.stop();
}
