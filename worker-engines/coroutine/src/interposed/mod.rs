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
//!
//! | room | what lives there |
//! |---|---|
//! | `machinery` | what the calls are made of |
//! | `descriptors` | read, write, poll and their like; close |
//! | `offloaded` | what can only block: name look-ups, file locks, fsync, FIFOs, System V's calls |
//! | `process` | children, credentials, signal masks, kernel threads, sleep, the end of the process |
//! | `sync` | locks, condition variables, semaphores, barriers, futexes |

mod machinery;

mod descriptors;
mod offloaded;
mod process;
mod sync;

mod table;

mod bypass;
mod check;
mod counts;
mod first_use;

pub use bypass::{Bypass, bypassed};
pub use check::check;
pub use counts::{Count, counts};
pub use first_use::use_first;
pub use process::endings::find as find_endings;
pub use process::thread::remember_main_thread;
pub use sync::allocator::find as find_allocator;
pub use sync::futex::find_own_code;
pub use sync::gil::set_preemption_points;
