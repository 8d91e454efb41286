//! The resolver: getaddrinfo and its kin, on a helper thread, because what they wait in is glibc's
//! own. A literal address asks nobody and goes straight through.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_void};
use std::net::IpAddr;

use libc::{addrinfo, c_int, hostent, size_t, sockaddr, socklen_t};

use crate::errands::WORKING;
use crate::green::Green;
use crate::interposed::machinery::call::interposed;

interposed! {
    fn getaddrinfo(
        node: *const c_char, service: *const c_char, hints: *const addrinfo,
        results: *mut *mut addrinfo,
    ) -> c_int |green, real| {
        // SAFETY: the caller's arguments.
        let call = || unsafe { real(node, service, hints, results) };
        if is_literal(node) { call() } else { WORKING.run(green, call) }
    }

    fn getnameinfo(
        address: *const sockaddr, len: socklen_t, host: *mut c_char, host_len: socklen_t,
        service: *mut c_char, service_len: socklen_t, flags: c_int,
    ) -> c_int |green, real| {
        // SAFETY: the caller's arguments.
        let call =
            || unsafe { real(address, len, host, host_len, service, service_len, flags) };
        if flags & libc::NI_NUMERICHOST != 0 { call() } else { WORKING.run(green, call) }
    }

    fn gethostbyname_r(
        name: *const c_char, result: *mut hostent, buf: *mut c_char, len: size_t,
        found: *mut *mut hostent, error: *mut c_int,
    ) -> c_int |green, real| {
        // SAFETY: the caller's arguments.
        let call = || unsafe { real(name, result, buf, len, found, error) };
        if is_literal(name) { call() } else { with_its_error(green, call) }
    }

    fn gethostbyname2_r(
        name: *const c_char, family: c_int, result: *mut hostent, buf: *mut c_char, len: size_t,
        found: *mut *mut hostent, error: *mut c_int,
    ) -> c_int |green, real| {
        // SAFETY: the caller's arguments.
        let call = || unsafe { real(name, family, result, buf, len, found, error) };
        if is_literal(name) { call() } else { with_its_error(green, call) }
    }

    fn gethostbyaddr_r(
        address: *const c_void, address_len: socklen_t, family: c_int, result: *mut hostent,
        buf: *mut c_char, len: size_t, found: *mut *mut hostent, error: *mut c_int,
    ) -> c_int |green, real| {
        // SAFETY: the caller's arguments.
        with_its_error(green, || unsafe {
            real(address, address_len, family, result, buf, len, found, error)
        })
    }
}

unsafe extern "C" {
    /// Where `h_errno` of the thread that calls lies (netdb.h).
    fn __h_errno_location() -> *mut c_int;
}

/// Has a helper look up. Besides the answer there is the resolver's error, which glibc keeps by thread
/// and CPython reads.
fn with_its_error(green: &Green, call: impl Fn() -> c_int) -> c_int {
    let mut error = 0;
    let done = WORKING.run(green, || {
        let done = call();
        // SAFETY: the helper's own variable.
        error = unsafe { *__h_errno_location() };
        done
    });
    // SAFETY: the green thread's own variable.
    unsafe { *__h_errno_location() = error };
    done
}

/// Whether a name is an address (or none, which means this machine).
fn is_literal(name: *const c_char) -> bool {
    if name.is_null() {
        return true;
    }
    // SAFETY: the caller's string, which ends in NUL.
    let name = unsafe { CStr::from_ptr(name) };
    name.to_str().is_ok_and(|name| name.parse::<IpAddr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_are_looked_up_without_a_helper() {
        assert!(is_literal(std::ptr::null()));
        assert!(is_literal(c"127.0.0.1".as_ptr()));
        assert!(is_literal(c"2001:db8::1".as_ptr()));
        assert!(!is_literal(c"localhost".as_ptr()));
        assert!(!is_literal(c"10.1".as_ptr()));
    }
}
