//! Many clients at once on drivers and popular libraries, in a fixed order or at random, and for as
//! long as `SUITE_LONG` says.

mod crowd;
mod matrix;
mod pools;
mod popular;
mod soak;
mod stress;
mod websockets;
