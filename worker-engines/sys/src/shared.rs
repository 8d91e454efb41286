//! Memory that forked processes share.
#![allow(unsafe_code)]

use std::io;
use std::ptr;
use std::slice;

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

/// What may lie in shared memory.
///
/// # Safety
/// All bytes zero are a valid value; it holds no pointer, and whatever changes in it is atomic, because other
/// processes change it at any time and may die while they do.
pub unsafe trait Shareable: Sync + 'static {}

/// Maps `count` values, all zero. Memory is taken only for those that are used; the mapping is never undone.
///
/// # Errors
/// `ENOMEM`.
pub fn share<T: Shareable>(count: usize) -> io::Result<&'static [T]> {
    let bytes = count.max(1) * size_of::<T>().max(1);
    let access = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a new anonymous mapping at an address of the kernel's choice.
    let start = unsafe { mmap_anonymous(ptr::null_mut(), bytes, access, MapFlags::SHARED) }?;
    // SAFETY: the mapping is page-aligned, and no type's alignment here is above a page; it is `bytes` long,
    // zeroed, which is valid by the contract of Shareable, never unmapped, and what changes in it is atomic.
    Ok(unsafe { slice::from_raw_parts(start.cast::<T>(), count) })
}
