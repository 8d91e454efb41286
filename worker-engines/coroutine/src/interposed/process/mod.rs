//! What a process or a kernel thread has, and a green thread seems to have: children, credentials, signal
//! masks, attributes, sleep.

pub mod children;
pub mod credentials;
pub mod endings;
pub mod mask;
pub mod sleep;
pub mod thread;
