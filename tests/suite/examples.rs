//! Every example, run exactly as its README says.
fn _later() {}
