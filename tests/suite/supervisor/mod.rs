//! Master and workers: start, stop, reload, upgrade, and workers that die or are replaced.

mod addresses;
mod boot;
mod crashing;
mod daemon;
mod lifecycle;
mod lossless;
mod recycling;
mod releases;
mod reload;
mod spread;
mod upgrade;
mod watching;
mod workers;
