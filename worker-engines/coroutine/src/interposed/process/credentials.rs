//! The calls that change who the process is (setuid(2) and its like). glibc has each thread make them,
//! by a signal that it waits to be answered, and leaves out the one that calls. So they are made as the
//! OS thread, which can answer no signal meanwhile.
#![allow(unsafe_code)]

use std::ffi::{c_char, c_void};

use libc::{c_int, gid_t, size_t, uid_t};

use crate::errno::{errno, set_errno};
use crate::interposed::machinery::call::{Call, c_name, real};
use crate::{fork, green, thread_block};

/// Defines the calls: each is the real call, made under the OS thread's block.
macro_rules! as_the_os_thread {
    ($(fn $name:ident($($arg:ident : $type:ty),*);)*) => {
        $(
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name($($arg: $type),*) -> c_int {
                let real = real!($name: unsafe extern "C" fn($($type),*) -> c_int);
                // SAFETY: the caller's arguments.
                as_the_os_thread(&mut || unsafe { real($($arg),*) })
            }
        )*

        pub static CALLS: &[Call] =
            &[$(Call::new(c_name!($name), $name as *const c_void)),*];
    };
}

as_the_os_thread! {
    fn initgroups(user: *const c_char, group: gid_t);
    fn setegid(effective: gid_t);
    fn seteuid(effective: uid_t);
    fn setgid(group: gid_t);
    fn setgroups(count: size_t, groups: *const gid_t);
    fn setregid(own: gid_t, effective: gid_t);
    fn setresgid(own: gid_t, effective: gid_t, saved: gid_t);
    fn setresuid(own: uid_t, effective: uid_t, saved: uid_t);
    fn setreuid(own: uid_t, effective: uid_t);
    fn setuid(user: uid_t);
}

fn as_the_os_thread(call: &mut dyn FnMut() -> c_int) -> c_int {
    let Some(green) = green::current().filter(|_| !fork::is_other_process()) else {
        return call();
    };
    let (mut done, mut error) = (0, 0);
    // SAFETY: the OS thread that we run on waits for us.
    unsafe {
        thread_block::under(green.os_block(), &mut || {
            done = call();
            error = errno();
        });
    }
    if done < 0 {
        set_errno(error);
    }
    done
}
