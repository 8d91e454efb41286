//! What config files and applications find of gunicorn's own Python objects: the file itself, hooks,
//! `cfg`, `req` and `resp` as gunicorn shows them, and `gunicorn.socket`.

pub mod app_socket;
pub mod config_file;
pub mod config_values;
pub mod hooks;
pub mod request_hooks;
pub mod shown;
