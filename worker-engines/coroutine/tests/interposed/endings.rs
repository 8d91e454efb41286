//! What ends a process or begins another program, called in children of green threads; and a program that is
//! not there.

use std::ffi::{CStr, c_char};
use std::ptr;

use libc::c_int;

use crate::stage::{errno, job, run};

type Strings = *const *const c_char;
type Exec = unsafe fn(*const c_char, Strings, Strings) -> c_int;

/// All that begin another program, alike.
const EXECS: [Exec; 5] = [
    |path, arguments, _| unsafe { libc::execv(path, arguments) },
    |path, arguments, names| unsafe { libc::execve(path, arguments, names) },
    |path, arguments, _| unsafe { libc::execvp(path, arguments) },
    |path, arguments, names| unsafe { libc::execvpe(path, arguments, names) },
    |path, arguments, names| unsafe {
        let program = libc::open(path, libc::O_RDONLY | libc::O_CLOEXEC);
        if program < 0 { -1 } else { libc::fexecve(program, arguments, names) }
    },
];

fn begin(exec: Exec, path: &CStr) -> c_int {
    let arguments = [path.as_ptr(), c"-c".as_ptr(), c"exit 7".as_ptr(), ptr::null()];
    unsafe { exec(path.as_ptr(), arguments.as_ptr(), arguments[3..].as_ptr()) }
}

/// How a child of a green thread ends that does this.
fn end_of(body: impl FnOnce()) -> c_int {
    let mut status = 0;
    unsafe {
        let child = libc::fork();
        if child == 0 {
            let no_core = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            libc::setrlimit(libc::RLIMIT_CORE, &raw const no_core);
            body();
            libc::_exit(1);
        }
        assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
    }
    status
}

unsafe extern "C" {
    fn _Exit(status: c_int) -> !;
    fn quick_exit(status: c_int) -> !;
}

#[test]
fn a_child_ends_as_it_wants() {
    run(vec![job(|| {
        let ends: [fn(); 3] =
            [|| unsafe { libc::_exit(7) }, || unsafe { _Exit(7) }, || unsafe { quick_exit(7) }];
        for end in ends {
            assert_eq!(libc::WEXITSTATUS(end_of(end)), 7);
        }
        assert_eq!(libc::WTERMSIG(end_of(|| unsafe { libc::abort() })), libc::SIGABRT);
        for exec in EXECS {
            let status = end_of(|| {
                begin(exec, c"/bin/sh");
            });
            assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 7);
        }
    })]);
}

#[test]
fn a_program_that_is_not_there_is_an_error() {
    run(vec![job(|| {
        for exec in EXECS {
            assert_eq!((begin(exec, c"/nowhere/at/all"), errno()), (-1, libc::ENOENT));
        }
    })]);
}
