//! The examples, run as their readers run them: under systemd, behind nginx, in a container.

mod config_files;
mod container;
mod examples;
mod nginx;
mod pages;
mod units;
