//! ASGI applications: what they are given and may do, their lifespan, how one is known, and
//! frameworks on them, beside uvicorn too.

mod beside_uvicorn;
mod blocking;
mod body;
mod cut_short;
mod endings;
mod extensions;
mod frameworks;
mod known;
mod lasting;
mod lifespan;
mod lossless;
mod mounted;
mod requests;
mod streams;
mod websockets;
