//! Master and workers: start, stop, reload, upgrade, and workers that die or are replaced.

mod boot;
mod crashing;
mod lifecycle;
mod lossless;
mod recycling;
mod releases;
mod reload;
mod settings;
mod upgrade;
mod watching;
mod workers;
