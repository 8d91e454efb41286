//! How often hooks are called by green threads, for the inspection of a worker.

use super::table::TABLE;

/// The calls of one hook by green threads of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// The function.
    pub name: &'static str,
    /// Calls that could let others run.
    pub parkable: u64,
    /// Calls that held the interpreter's lock: they blocked everybody for as long as they took.
    pub held: u64,
}

/// The hooks that were called so far.
pub fn counts() -> Vec<Count> {
    let hooks = TABLE.iter().flat_map(|hooks| hooks.iter());
    let counts = hooks.filter_map(|hook| {
        let [parkable, held] = hook.calls?.both();
        (parkable + held > 0).then(|| Count {
            name: hook.name.to_str().unwrap_or_default(),
            parkable,
            held,
        })
    });
    counts.collect()
}
