//! What a worker and its supervisor have between them: the slot in shared memory, the pipe for reports,
//! and the station that a worker is given.

pub mod report;
pub mod scoreboard;
mod slot_text;
pub mod station;
