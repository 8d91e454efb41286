//! Code that was written for gevent or eventlet, and gevent's own tests, under `-k coroutine`.

mod code;
mod own_tests;
mod races;
