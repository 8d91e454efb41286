//! Who holds the GIL: taking it and giving it up, who has it, and where its locks lie.

pub mod addresses;
pub mod attach;
pub mod current;
