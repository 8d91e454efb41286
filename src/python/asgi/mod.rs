//! ASGI 3 on an asyncio loop that lives in a green thread of its own, the engine's resident.
//!
//! ```text
//!   reactor ── take, ready ─► EventLoop ── one eventfd ─► the loop: turn ─► Host::open ─► a task a request
//!      ▲                                                                     │ receive, send
//!      └───────── Host::answered ◄──────── Exchange: the response is whole ◄─┘
//! ```
//!
//! Everything here but [`EventLoop::take`](event_loop::EventLoop::take) and its like runs on the loop. The rule that a
//! reader would break: nothing waits here, not for a client and not for a lock, because all requests
//! would; what cannot go on at once leaves a future behind.

pub mod event_loop;
pub mod exchange;
pub mod executor;
pub mod extensions;
pub mod home;
pub mod host;
pub mod lifespan;
pub mod module;
pub mod mounted;
pub mod ready;
pub mod scope;
pub mod speech;
pub mod standstill;
mod turns;
