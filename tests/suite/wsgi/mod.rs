//! What an application is given and what it may give back: environ, start_response, its iterable,
//! and the frameworks that stand on them.

mod applications;
mod closing;
mod environ;
mod extensions;
mod file_wrapper;
mod frameworks;
mod lent_input;
mod misbehaving;
mod same_as_gunicorn;
mod start_response;
