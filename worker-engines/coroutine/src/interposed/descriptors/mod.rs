//! Calls on descriptors that may keep their caller waiting: made so that they do not, and parked instead.

pub mod closing;
pub mod file;
pub mod poll;
pub mod receive;
pub mod send;
pub mod socket;
pub mod vectors;
