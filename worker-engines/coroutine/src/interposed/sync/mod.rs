//! What threads wait for each other with: locks, condition variables, semaphores, barriers, futexes.

pub mod allocator;
pub mod barrier;
pub mod c11;
pub mod condvar;
pub mod contest;
pub mod futex;
pub mod gil;
pub mod mutex;
pub mod once;
pub mod rwlock;
pub mod semaphore;
pub mod spin;
