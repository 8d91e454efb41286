//! What only a green thread could get wrong: waits, locks, stacks, fairness, and whose thread it
//! is.

mod blocked;
mod blocking_code;
mod ending;
mod fairness;
mod fifos;
mod identity;
mod locks;
mod overdue_locks;
mod own_threads;
mod shortage;
mod stacks;
mod together;
