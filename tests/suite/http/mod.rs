//! HTTP/1 on the wire: what a client may send, how it is answered, and whether the connection lives
//! on.

mod body_in;
mod body_out;
mod documents;
mod expect_continue;
mod forwarding;
mod keep_alive;
mod responses;
mod rules;
mod system_calls;
