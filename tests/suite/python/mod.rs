//! The interpreter that an application finds: its threads, forks, children, imports and
//! environment.

mod children;
mod foreign;
mod forks;
mod importing;
mod named_like_the_library;
mod request_threads;
mod signals;
mod spew;
mod subinterpreters;
mod virtual_environment;
