//! What the tests stand on: servers, clients, processes, scratch directories, and waiting for a
//! condition. Every other room uses it; it uses none of them.

pub mod application;
pub mod backing;
pub mod binary;
pub mod browser;
pub mod client;
pub mod collector;
pub mod comparison;
pub mod compiler;
pub mod daemon;
pub mod engine;
pub mod launch;
pub mod load;
pub mod places;
pub mod processes;
pub mod scratch;
pub mod server;
pub mod wait;
pub mod websocket;

pub use application::answering;
pub use browser::Page;
pub use client::{Client, Response};
pub use collector::Collector;
pub use daemon::Daemon;
pub use engine::Engine;
pub use launch::Launch;
pub use load::Load;
pub use places::{repository, virtual_environment};
pub use scratch::Scratch;
pub use server::Server;
