//! fsync and fdatasync: the disk's time, on a helper thread.
#![allow(unsafe_code)]

use libc::c_int;

use crate::errands::WORKING;
use crate::interposed::machinery::call::interposed;

interposed! {
    fn fsync(fd: c_int) -> c_int |green, real| {
        // SAFETY: the caller's arguments.
        WORKING.run(green, || unsafe { real(fd) })
    }

    fn fdatasync(fd: c_int) -> c_int |green, real| {
        // SAFETY: the caller's arguments.
        WORKING.run(green, || unsafe { real(fd) })
    }
}
