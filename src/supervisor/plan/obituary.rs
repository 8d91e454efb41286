//! What a worker's death means, for the operator's log.

use unicoro_sys::process::{Exit, Pid};

/// One line: which worker, how it died, what it was doing, what to look at.
#[must_use]
pub fn obituary(pid: Pid, exit: Exit, in_progress: Option<&str>) -> String {
    let doing = in_progress.map_or_else(String::new, |requests| format!(" at {requests}"));
    format!("Worker (pid:{pid}) {exit}{doing}{}", advice(exit))
}

fn advice(exit: Exit) -> &'static str {
    let signal = match exit {
        Exit::Code(0) => return ", though we had not asked it to leave",
        Exit::Code(_) => return "; look above for what the app printed last",
        Exit::Signal { signal, .. } => signal,
    };
    match signal.as_raw() {
        libc::SIGKILL => {
            ", which we did not send: perhaps the machine or the container ran out of memory \
             (see the kernel's log)"
        }
        libc::SIGSEGV | libc::SIGBUS | libc::SIGILL | libc::SIGFPE => {
            ": the app or one of its C extensions crashed; its stack is above"
        }
        libc::SIGABRT => ": the app or one of its C extensions called abort()",
        _ => ", which we did not send",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicoro_sys::signal::Signal;

    #[test]
    fn a_kill_from_outside_points_at_memory() {
        let exit = Exit::Signal { signal: Signal::KILL, core: false };
        let text = obituary(Pid::me(), exit, None);
        assert!(text.starts_with(&format!("Worker (pid:{}) was killed by SIGKILL", Pid::me())));
        assert!(text.contains("out of memory"));
    }

    #[test]
    fn the_request_being_served_is_named() {
        let exit = Exit::Signal { signal: Signal::from_raw(libc::SIGSEGV), core: false };
        let text = obituary(Pid::me(), exit, Some("the request GET /crash (0.1 s old)"));
        assert!(text.contains("at the request GET /crash (0.1 s old): the app"), "{text}");
    }

    #[test]
    fn an_exit_code_is_named() {
        assert!(obituary(Pid::me(), Exit::Code(9), None).contains("exited with code 9"));
    }
}
