//! The objects of PEP 3333: what an application is given and what it gives back.

pub mod addresses;
pub mod bound;
pub mod client_gone;
pub mod environ;
pub mod errors;
pub mod fields;
pub mod file_wrapper;
pub mod input;
pub mod kept_texts;
pub mod latin1;
pub mod names;
pub mod respond;
pub mod start_response;
