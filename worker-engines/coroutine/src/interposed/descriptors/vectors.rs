//! What is left of a scatter list after a part was moved. Pure.
#![allow(unsafe_code)]

use libc::{c_int, iovec, size_t};

/// The parts that have not been moved.
pub struct Vectors {
    list: Vec<iovec>,
    next: usize,
}

/// More than this the kernel refuses (`UIO_MAXIOV`).
const MOST: size_t = 1024;

impl Vectors {
    /// A copy of the caller's list; `None` for one that the real call refuses.
    ///
    /// # Safety
    /// `list` has `count` entries.
    pub unsafe fn copy(list: *const iovec, count: size_t) -> Option<Self> {
        if count > MOST || list.is_null() {
            return None;
        }
        // SAFETY: the caller's word.
        let list = unsafe { std::slice::from_raw_parts(list, count) }.to_vec();
        Some(Self { list, next: 0 })
    }

    /// One buffer.
    pub fn one(base: *mut libc::c_void, len: size_t) -> Self {
        Self { list: vec![iovec { iov_base: base, iov_len: len }], next: 0 }
    }

    /// Bytes left.
    pub fn total(&self) -> usize {
        self.rest().iter().fold(0, |total, part| total.saturating_add(part.iov_len))
    }

    /// The list that is left.
    pub fn rest(&self) -> &[iovec] {
        &self.list[self.next..]
    }

    /// What is left, as system calls take it.
    pub fn raw(&mut self) -> (*mut iovec, c_int) {
        let rest = &mut self.list[self.next..];
        (rest.as_mut_ptr(), c_int::try_from(rest.len()).unwrap_or(c_int::MAX))
    }

    /// `count` bytes more were moved.
    pub fn advance(&mut self, mut count: usize) {
        while let Some(part) = self.list.get_mut(self.next) {
            let step = count.min(part.iov_len);
            // SAFETY: `step` is at most the part's length.
            part.iov_base = unsafe { part.iov_base.cast::<u8>().add(step) }.cast();
            part.iov_len -= step;
            count -= step;
            if part.iov_len > 0 {
                return;
            }
            self.next += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_moved_is_gone_from_the_front_and_empty_parts_with_it() {
        let bytes = [0u8; 12];
        let part = |start: usize, len: usize| iovec {
            iov_base: bytes[start..].as_ptr().cast_mut().cast(),
            iov_len: len,
        };
        let list = [part(0, 4), part(4, 0), part(4, 8)];
        // SAFETY: the list has three entries.
        let mut vectors = unsafe { Vectors::copy(list.as_ptr(), 3) }.unwrap();
        vectors.advance(4);
        assert_eq!((vectors.rest().len(), vectors.total()), (1, 8));
        vectors.advance(3);
        assert_eq!(vectors.rest()[0].iov_base as usize, bytes[7..].as_ptr() as usize);
        vectors.advance(5);
        assert!(vectors.rest().is_empty());
    }

    #[test]
    fn a_list_that_the_kernel_refuses_is_refused() {
        // SAFETY: refused before it is read.
        assert!(unsafe { Vectors::copy(std::ptr::null(), 1) }.is_none());
        // SAFETY: as above.
        assert!(unsafe { Vectors::copy(std::ptr::dangling(), 1025) }.is_none());
    }
}
