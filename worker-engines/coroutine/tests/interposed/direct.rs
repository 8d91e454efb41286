//! The engine's own calls (unicoro-sys), which are made past the interposed ones.

use std::io::IoSlice;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use unicoro_coroutine::counts;
use unicoro_reactor::{Epoll, Events};
use unicoro_sys::event_fd::EventFd;
use unicoro_sys::poll::{poll, readable};
use unicoro_sys::process::{Pid, wait_for};
use unicoro_sys::{bytes, fd, pipe, socket};

use crate::stage::{job, run};

#[test]
fn the_engines_own_calls_reach_no_interposed_call() {
    run(vec![job(|| {
        const MOMENT: Option<Duration> = Some(Duration::from_millis(1));
        let (reader, writer) = pipe::pipe().unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        let event = EventFd::new().unwrap();
        let (epoll, mut events) = (Epoll::new().unwrap(), Events::default());
        let mut taken = Vec::with_capacity(8);
        let parts = [IoSlice::new(b"a"), IoSlice::new(b"b")];

        let before = counts();
        fd::set_nonblocking(reader.as_fd(), true).unwrap();
        assert_eq!(bytes::write(&writer, b"x").unwrap(), 1);
        assert_eq!(bytes::write_nowait(&writer, b"x").unwrap(), 1);
        assert_eq!(bytes::read(&reader, &mut [0; 8]).unwrap(), 2);
        assert_eq!(poll(&mut [readable(reader.as_fd())], MOMENT).unwrap(), 0);
        event.raise();
        event.lower();
        assert_eq!(socket::send(ours.as_fd(), &parts[..1]).unwrap(), 1);
        assert_eq!(socket::send(ours.as_fd(), &parts).unwrap(), 2);
        assert_eq!(socket::receive(theirs.as_fd(), &mut taken).unwrap(), 3);
        assert!(socket::accept(ours.as_fd()).is_err());
        assert!(socket::wait(theirs.as_fd(), true, MOMENT).unwrap());
        epoll.wait(&mut events, MOMENT).unwrap();
        assert!(wait_for(Pid::me()).is_err());
        assert_eq!(counts(), before);
    })]);
}
