//! The application: found and loaded, watched for changes, and called for each request.

pub mod application;
mod callbacks;
pub mod failure;
pub mod handles;
pub mod loader;
pub mod reloading;
pub mod request;
pub mod served;
mod swallowed;
mod turn;
mod upgraded;
