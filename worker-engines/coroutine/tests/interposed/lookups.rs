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
    fn __h_errno_location() -> *mut libc::c_int;
}

/// What the older look-ups write to: the entry, its text, where it was found, and the error.
struct Answer {
    entry: libc::hostent,
    text: [libc::c_char; 4096],
    found: *mut libc::hostent,
    error: libc::c_int,
}

/// A look-up that must find an entry, and answer with the place that it was given.
fn finds(call: impl FnOnce(&mut Answer) -> libc::c_int) {
    let mut answer = Answer {
        entry: unsafe { zeroed() },
        text: [0; 4096],
        found: std::ptr::null_mut(),
        error: 0,
    };
    assert_eq!((call(&mut answer), answer.found), (0, &raw mut answer.entry));
}

fn by_name() {
    finds(|Answer { entry, text, found, error }| unsafe {
        gethostbyname_r(c"localhost".as_ptr(), entry, text.as_mut_ptr(), text.len(), found, error)
    });
}

fn by_name_and_family() {
    finds(|Answer { entry, text, found, error }| unsafe {
        let (name, len) = (c"localhost".as_ptr(), text.len());
        gethostbyname2_r(name, libc::AF_INET, entry, text.as_mut_ptr(), len, found, error)
    });
}

fn by_address() {
    finds(|Answer { entry, text, found, error }| unsafe {
        let (bytes, len) = ([127u8, 0, 0, 1].as_ptr().cast(), text.len());
        gethostbyaddr_r(bytes, 4, libc::AF_INET, entry, text.as_mut_ptr(), len, found, error)
    });
}

#[test]
fn the_older_lookups_let_others_run() {
    lets_others_run(by_name);
    lets_others_run(by_name_and_family);
    lets_others_run(by_address);
}

/// The error of a look-up that fails, and what it leaves in the thread's variable, where CPython looks.
fn errors_of_a_failed_lookup() -> [libc::c_int; 2] {
    let (mut found, mut error) = (std::ptr::null_mut(), 0);
    unsafe {
        let (mut entry, mut text) = (zeroed(), [0; 4096]);
        let (name, text, len) = (c"host.invalid".as_ptr(), text.as_mut_ptr(), text.len());
        *__h_errno_location() = 0;
        gethostbyname_r(name, &raw mut entry, text, len, &raw mut found, &raw mut error);
        assert!(found.is_null());
        [error, *__h_errno_location()]
    }
}

#[test]
fn a_failed_lookup_leaves_its_error_in_the_callers_thread() {
    let expected = errors_of_a_failed_lookup();
    assert_ne!(expected, [0, 0]);
    run(vec![job(move || assert_eq!(errors_of_a_failed_lookup(), expected))]);
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
