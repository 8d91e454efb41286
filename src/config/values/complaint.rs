//! What is wrong with one value, said by a parser, which does not know which setting it reads.

use std::fmt;

/// What is wrong with one value and what to give instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// What is wrong, without a capital or a full stop: `not a whole number`.
    pub problem: String,
    /// What is allowed, or what to do: `give 1 or more`.
    pub remedy: String,
}

impl Complaint {
    /// A complaint from its two halves.
    pub fn new(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Complaint { problem: problem.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.problem, self.remedy)
    }
}
