//! Settings: where they come from, and the config file with its hooks.

mod files;
mod hooks;
mod sources;
