//! Who holds the GIL: taking it and giving it up.

pub mod attach;
