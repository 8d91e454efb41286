//! The interpreter of this process: started, forked and ended; and what runs and reads Python in it.

pub mod closed;
pub mod fork;
pub mod home;
pub mod imports;
pub mod interned;
pub mod interpreter;
pub mod library_first;
pub mod own_module;
pub mod spew;
pub mod stack;
pub mod traceback;
pub mod versions;
