//! Who came before this master and who is to come after it (USR2).

use unicoro_sys::process::Pid;

/// The other master, if there is one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lineage {
    /// The master that we are to replace.
    pub parent: Option<Pid>,
    /// The master that is to replace us.
    pub successor: Option<Pid>,
    /// Our sockets are systemd's.
    pub is_systemd: bool,
}

impl Lineage {
    /// True as long as another master uses the same sockets.
    pub fn is_shared(self) -> bool {
        self.parent.is_some() || self.successor.is_some()
    }

    /// Why USR2 has to be refused now.
    pub fn objection(self) -> Option<&'static str> {
        match (self.parent, self.successor) {
            (_, Some(_)) => Some("USR2 ignored: the new master of the last upgrade is running"),
            (Some(_), _) => Some("USR2 ignored: the old master is still running"),
            (None, None) => None,
        }
    }

    /// Forgets the master that we replace when it has gone; true then, and so once.
    pub fn forget_gone_parent(&mut self) -> bool {
        let has_gone = self.parent.is_some_and(|parent| parent != Pid::parent());
        if has_gone {
            self.parent = None;
        }
        has_gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_upgrade_at_a_time() {
        let other = Pid::from_raw(7);
        assert_eq!(Lineage::default().objection(), None);
        assert!(Lineage { successor: other, ..Lineage::default() }.objection().is_some());
        assert!(Lineage { parent: other, ..Lineage::default() }.objection().is_some());
    }

    #[test]
    fn a_master_is_promoted_once_when_its_parent_is_another() {
        let mut lineage = Lineage { parent: Some(Pid::parent()), ..Lineage::default() };
        assert!(!lineage.forget_gone_parent() && lineage.is_shared());
        lineage.parent = Some(Pid::me());
        assert!(lineage.forget_gone_parent());
        assert!(!lineage.forget_gone_parent() && !lineage.is_shared());
    }
}
