//! Binding what the settings ask for.

use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Duration;

use crate::listening::address::Address;
use crate::listening::bind_error::BindError;
use crate::listening::listener::Listener;
use crate::supervisor::options::Options;

/// As many as gunicorn's.
pub const BIND_TRIES: u32 = 5;
/// The pause between two tries to bind an address that is in use.
pub const BIND_PAUSE: Duration = Duration::from_secs(1);

/// All listeners of `options`, in their order. One that listens already is taken over; an
/// address that stands there twice is bound once. `sockets` are a former master's; those that are
/// taken over are removed from it.
pub fn bind_all(
    options: &Options,
    listening: &[Arc<Listener>],
    sockets: &mut Vec<RawFd>,
) -> Result<Vec<Arc<Listener>>, BindError> {
    let mut all: Vec<Arc<Listener>> = Vec::with_capacity(options.binds.len());
    for address in &options.binds {
        if all.iter().any(|listener| listener.asked() == address) {
            continue;
        }
        let listener = match listening.iter().find(|listener| listener.asked() == address) {
            Some(known) => Arc::clone(known),
            None => match inherited(address, sockets) {
                Some(listener) => Arc::new(listener),
                None => Arc::new(Listener::bind(address, options.bind_options)?),
            },
        };
        all.push(listener);
    }
    Ok(all)
}

/// The socket of a former master at this address (USR2).
fn inherited(address: &Address, sockets: &mut Vec<RawFd>) -> Option<Listener> {
    let found = sockets.iter().enumerate().find_map(|(index, number)| {
        Listener::inherit(address, *number).map(|listener| (index, listener))
    });
    let (index, listener) = found?;
    sockets.remove(index);
    Some(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(hosts: &[&str]) -> Options {
        let tcp = |host: &&str| Address::Tcp { host: (*host).to_owned(), port: 0 };
        Options { binds: hosts.iter().map(tcp).collect(), ..Options::default() }
    }

    #[test]
    fn a_listener_whose_address_is_still_wanted_is_kept() {
        let first = bind_all(&options(&["127.0.0.1"]), &[], &mut Vec::new()).unwrap();
        let second =
            bind_all(&options(&["127.0.0.2", "127.0.0.1"]), &first, &mut Vec::new()).unwrap();
        assert!(Arc::ptr_eq(&first[0], &second[1]));
        assert_eq!(second.len(), 2);
    }

    #[test]
    fn an_address_that_stands_there_twice_is_bound_once() {
        assert_eq!(
            bind_all(&options(&["127.0.0.1", "127.0.0.1"]), &[], &mut Vec::new()).unwrap().len(),
            1
        );
    }
}
