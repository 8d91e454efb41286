//! Fuzz targets of unicoro's HTTP, each against a model of the rules. See README.md.
//!
//! `http` is included as source and not linked, so that nothing of CPython is fuzzed or needed.
#![allow(dead_code, unused_imports, reason = "of http, the targets use what they test")]

#[path = "../../src/http/mod.rs"]
pub mod http;

pub mod body;
pub mod head;
pub mod proxy;
