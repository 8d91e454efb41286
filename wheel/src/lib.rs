//! The wheel's library: a door to the same program, in the user's own interpreter.
//!
//! ```text
//!   unicoro (a Python script) ─► execve: the same interpreter, LD_PRELOAD=_engine.so
//!        the dynamic linker    ─► our calls stand before libc's; `begin` hides the variable
//!        unicoro.__main__      ─► import unicoro._engine: finds the library that is loaded ─► `run`
//! ```
//!
//! One file is both: preloaded, so that every library of the process reaches the interposed calls and all
//! our thread-local variables lie where those of an executable do; and imported, as the extension module
//! whose one function is the server. It links no libpython: the interpreter has one, shared or inside.
//! Imported without having been preloaded it changes nothing.

mod module;
mod preload;
