//! What workers that accept from the same listeners know of each other: how many clients each has, so
//! that who has more than his share leaves the next to the others.

use std::os::fd::BorrowedFd;

/// The other workers at the same listeners, as one of them sees them.
pub trait Siblings: Send + Sync {
    /// Says how many clients this worker has (`usize::MAX`: no more come in), and whether it stands
    /// aside. The bell is rung for those who stand aside and have no more than this.
    fn tell(&self, clients: usize, is_aside: bool);

    /// The fewest clients that another has (`usize::MAX`: nobody takes more); none, if there is nobody
    /// else.
    fn fewest(&self) -> Option<usize>;

    /// A client has waited in vain for those who have fewer: they do not count before they show a sign
    /// of life.
    fn miss(&self);

    /// Readable for ever once it was rung: to be watched for edges.
    fn bell(&self) -> BorrowedFd<'_>;
}

/// More than the fewest by this many clients is too many: two, because each change of turns costs some
/// system calls, and of many clients a sixteenth.
#[must_use]
pub const fn slack(clients: usize) -> usize {
    let share = clients / 16;
    if share < LEAST_SLACK { LEAST_SLACK } else { share }
}

const LEAST_SLACK: usize = 2;
