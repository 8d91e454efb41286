//! What the interposed calls are made of: how one is written and counted, how it waits for a descriptor,
//! what it asks of clocks and of code.

pub mod call;
pub mod clock;
pub mod code;
pub mod readiness;
pub mod tally;
