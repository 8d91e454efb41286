//! How an overdue request hears of it: the exception, and who may be told.

pub mod computing;
pub mod listeners;
pub mod request_timeout;
