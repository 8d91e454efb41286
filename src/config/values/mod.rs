//! Values, and the texts that are read as one: numbers, addresses, networks, worker classes.
//!
//! A parser makes a `Complaint` and never knows which setting it reads.

pub mod bind;
pub mod complaint;
pub mod networks;
pub mod number;
pub mod remote;
pub mod value;
pub mod worker_class;
