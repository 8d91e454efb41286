//! libc, as application code finds it: the calls that block, made to park.
//!
//! The binary defines `recv`, `poll`, `sem_wait` and the others of `table.rs`; symbols of the
//! executable come first in the dynamic linker's search, so libpython, OpenSSL, libpq and every
//! wheel's own library reach these. The real ones are found behind them (`RTLD_NEXT`).
//!
//! Each asks first whether it runs in a green thread that may park now. If not (another OS thread,
//! the interpreter lock held, a forked child, before the engine runs), it is the real call. The rule
//! that a reader would break: before that answer nothing may allocate, log or panic, because any
//! thread of any library comes through here.

mod allocator;
mod barrier;
mod bypass;
mod c11;
mod call;
mod check;
mod children;
mod clock;
mod closing;
mod code;
mod condvar;
mod contest;
mod counts;
mod credentials;
mod durable;
mod file;
mod first_use;
mod futex;
mod gil;
mod ipc;
mod lock;
mod lookup;
mod mask;
mod meeting;
mod mutex;
mod once;
mod open;
mod poll;
mod readiness;
mod receive;
mod rwlock;
mod semaphore;
mod send;
mod sleep;
mod socket;
mod spin;
mod table;
mod tally;
mod thread;
mod vectors;

pub use allocator::find as find_allocator;
pub use bypass::{Bypass, bypassed};
pub use check::check;
pub use counts::{Count, counts};
pub use first_use::use_first;
pub use futex::find_own_code;
pub use gil::set_preemption_points;
pub use thread::remember_main_thread;
