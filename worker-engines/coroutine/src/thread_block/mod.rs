//! A thread without a kernel thread: what glibc gives a thread, for a green thread to have.
//!
//! `pthread_create` makes a thread with everything that one has: the thread-local variables of every
//! library that is loaded or will be, keys, errno, a locale, a `pthread_t`, a number that mutexes know
//! their owner by. It leaves the kernel at once and behind glibc's back; its block stays. Whoever runs
//! the green thread points the FS register at that block. At the end it is revived for a moment, and
//! glibc ends it as any thread: the destructors of keys and of thread-local objects run, on a kernel
//! thread that they may block.
//!
//! ```text
//!   new      pthread_create ─► body ─► leave: saves its registers ─► exit(2)    no kernel thread
//!   use      FS := block ... FS := the block before                             on the scheduler's
//!   drop     clone(2) ─► leave returns in body ─► body returns ─► glibc's end   on one of its own
//! ```
//!
//! The rules that a reader would break: a function that changes FS uses no thread-local variable of its
//! own, neither before nor after, because a compiler may keep its address. In a forked child the
//! scheduler's own block is free memory, and no block is ended.

mod block;
mod hibernation;
mod layout;
mod register;
mod slot;
mod trial;

pub use block::{ThreadBlock, is_one, stack_of};
pub use layout::unregister_rseq;
pub use register::{current, live_under, under};
pub use slot::is_number;
pub use trial::prepare;
