//! The `unicoro` command.

fn main() {}
