//! How often the interposed calls are made by green threads, for the inspection of a worker.

use super::table::TABLE;

/// How often one function was called by green threads of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// The function.
    pub name: &'static str,
    /// Calls that could let others run.
    pub parkable: u64,
    /// Calls that held the interpreter's lock: they blocked everybody for as long as they took.
    pub held: u64,
}

/// The functions that were called so far.
pub fn counts() -> Vec<Count> {
    let calls = TABLE.iter().flat_map(|calls| calls.iter());
    let counts = calls.filter_map(|call| {
        let [parkable, held] = call.tally?.both();
        (parkable + held > 0).then(|| Count {
            name: call.name.to_str().unwrap_or_default(),
            parkable,
            held,
        })
    });
    counts.collect()
}
