//! Fuzz targets of unicoro's HTTP and WebSocket, each against a model of the rules. See README.md.
//!
//! `http` and `websocket` are included as source and not linked, so that nothing of CPython is fuzzed or needed.
#![allow(dead_code, unused_imports, reason = "of both, the targets use what they test")]

#[path = "../../src/http/mod.rs"]
pub mod http;
#[path = "../../src/websocket/mod.rs"]
pub mod websocket;

pub mod body;
pub mod deflate;
pub mod frames;
pub mod head;
pub mod proxy;
