//! The application: found and loaded, watched for changes, and called for each request.

pub mod application;
pub mod loader;
pub mod outcome;
pub mod reloading;
pub mod request;
