//! Settings and listeners that belong together: what a worker of one generation is started with.
//!
//! During a reload there are two, because a worker of the old one may have to be replaced.
//! A listener whose address is in both is shared.

use std::sync::Arc;

use super::listeners::bind_all;
use crate::listening::listener::Listener;
use crate::supervisor::error::SupervisorError;
use crate::supervisor::host::Host;
use crate::supervisor::options::Options;

/// One generation.
#[derive(Debug)]
pub struct Generation {
    pub number: u64,
    pub options: Options,
    pub listeners: Vec<Arc<Listener>>,
}

impl Generation {
    /// Reads the settings again and binds what is new, before anything old is given up.
    ///
    /// The error is for the operator; what was bound for nothing is closed again.
    pub fn reload(
        host: &mut dyn Host,
        number: u64,
        known: &[Generation],
    ) -> Result<Generation, SupervisorError> {
        let options = host.reload(number)?;
        let listening: Vec<Arc<Listener>> =
            known.iter().flat_map(|generation| generation.listeners.iter().cloned()).collect();
        let listeners = bind_all(&options, &listening, &mut Vec::new())?;
        host.on_reload(number, &listeners)?;
        Ok(Generation { number, options, listeners })
    }

    /// As the log has it.
    pub fn addresses(&self) -> String {
        let shown: Vec<&str> = self.listeners.iter().map(|listener| listener.address()).collect();
        shown.join(",")
    }
}
