//! The resolver.

use std::ffi::CStr;
use std::mem::zeroed;

use crate::stage::{job, lets_others_run, run};

fn lookup(name: &CStr) -> i32 {
    unsafe {
        let mut results = std::ptr::null_mut();
        let none = std::ptr::null();
        let error = libc::getaddrinfo(name.as_ptr(), c"80".as_ptr(), none, &raw mut results);
        if error == 0 {
            libc::freeaddrinfo(results);
        }
        error
    }
}

unsafe extern "C" {
    fn gethostbyname_r(
        name: *const libc::c_char,
        result: *mut libc::hostent,
        buf: *mut libc::c_char,
        len: usize,
        found: *mut *mut libc::hostent,
        error: *mut libc::c_int,
    ) -> libc::c_int;
    fn gethostbyname2_r(
        name: *const libc::c_char,
        family: libc::c_int,
        result: *mut libc::hostent,
        buf: *mut libc::c_char,
        len: usize,
        found: *mut *mut libc::hostent,
        error: *mut libc::c_int,
    ) -> libc::c_int;
    fn gethostbyaddr_r(
        address: *const libc::c_void,
        address_len: libc::socklen_t,
        family: libc::c_int,
        result: *mut libc::hostent,
        buf: *mut libc::c_char,
        len: usize,
        found: *mut *mut libc::hostent,
        error: *mut libc::c_int,
    ) -> libc::c_int;
}

fn by_name() {
    unsafe {
        let (mut result, mut buf) = (zeroed::<libc::hostent>(), [0; 4096]);
        let (mut found, mut error) = (std::ptr::null_mut(), 0);
        let place = &raw mut result;
        let (text, len) = (buf.as_mut_ptr(), buf.len());
        let name = c"localhost".as_ptr();
        let done = gethostbyname_r(name, place, text, len, &raw mut found, &raw mut error);
        assert_eq!((done, found), (0, place));
    }
}

fn by_name_and_family() {
    unsafe {
        let (mut result, mut buf) = (zeroed::<libc::hostent>(), [0; 4096]);
        let (mut found, mut error) = (std::ptr::null_mut(), 0);
        let place = &raw mut result;
        let (text, len) = (buf.as_mut_ptr(), buf.len());
        let (name, family) = (c"localhost".as_ptr(), libc::AF_INET);
        let (out, code) = (&raw mut found, &raw mut error);
        let done = gethostbyname2_r(name, family, place, text, len, out, code);
        assert_eq!((done, found), (0, place));
    }
}

fn by_address() {
    unsafe {
        let (mut result, mut buf) = (zeroed::<libc::hostent>(), [0; 4096]);
        let (mut found, mut error) = (std::ptr::null_mut(), 0);
        let place = &raw mut result;
        let (text, len) = (buf.as_mut_ptr(), buf.len());
        let address = [127u8, 0, 0, 1];
        let (bytes, family) = (address.as_ptr().cast(), libc::AF_INET);
        let (out, code) = (&raw mut found, &raw mut error);
        let done = gethostbyaddr_r(bytes, 4, family, place, text, len, out, code);
        assert_eq!((done, found), (0, place));
    }
}

#[test]
fn the_older_lookups_let_others_run() {
    lets_others_run(by_name);
    lets_others_run(by_name_and_family);
    lets_others_run(by_address);
}

#[test]
fn lookups_at_once_give_each_its_answer() {
    let jobs = (0..100).map(|index| {
        job(move || match index % 4 {
            0 => assert_eq!(lookup(c"localhost"), 0),
            1 => assert_eq!(lookup(c"127.0.0.1"), 0),
            2 => assert_ne!(lookup(c"no such name"), 0),
            _ => by_name(),
        })
    });
    run(jobs.collect());
}

#[test]
fn getnameinfo_lets_others_run() {
    lets_others_run(|| unsafe {
        let mut address: libc::sockaddr_in = zeroed();
        address.sin_family = libc::AF_INET as libc::sa_family_t;
        address.sin_addr.s_addr = u32::from_ne_bytes([127, 0, 0, 1]);
        let mut host = [0; 256];
        let done = libc::getnameinfo(
            (&raw const address).cast(),
            size_of::<libc::sockaddr_in>() as libc::socklen_t,
            host.as_mut_ptr(),
            host.len() as libc::socklen_t,
            std::ptr::null_mut(),
            0,
            0,
        );
        assert_eq!(done, 0);
        assert_eq!(CStr::from_ptr(host.as_ptr()), c"localhost");
    });
}

#[test]
fn getaddrinfo_lets_others_run() {
    lets_others_run(|| assert_eq!(lookup(c"localhost"), 0));
}
