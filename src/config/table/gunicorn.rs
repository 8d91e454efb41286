//! gunicorn's names that have no row yet. Data only.
//!
//! For messages: a name from here gets "not supported yet" instead of "unknown". The rule: a name
//! leaves this list when its row comes; a test sees to it.

/// A setting of gunicorn's without a row.
pub struct NotYet {
    /// Its name in a config file.
    pub name: &'static str,
    /// The flags that set it on the command line.
    pub flags: &'static [&'static str],
}

const fn not_yet(name: &'static str, flags: &'static [&'static str]) -> NotYet {
    NotYet { name, flags }
}

/// Every setting of gunicorn 27.0.1 that has no row.
pub static NOT_YET: &[NotYet] = &[
    not_yet("http_protocols", &["--http-protocols"]),
    not_yet("http2_cleartext", &["--http2-cleartext"]),
    not_yet("http2_max_concurrent_streams", &["--http2-max-concurrent-streams"]),
    not_yet("http2_initial_window_size", &["--http2-initial-window-size"]),
    not_yet("http2_max_frame_size", &["--http2-max-frame-size"]),
    not_yet("http2_max_header_list_size", &["--http2-max-header-list-size"]),
];

/// Functions that gunicorn calls when a config file defines them, and that have no row.
pub static HOOKS: &[&str] = &[
    "ssl_context",
    "on_dirty_starting",
    "dirty_post_fork",
    "dirty_worker_init",
    "dirty_worker_exit",
];

/// Whether gunicorn has a setting of this name that has no row.
pub fn is_not_yet(name: &str) -> bool {
    NOT_YET.iter().any(|setting| setting.name == name)
}

/// The row-less setting that a flag belongs to.
pub fn not_yet_by_flag(flag: &str) -> Option<&'static NotYet> {
    NOT_YET.iter().find(|setting| setting.flags.contains(&flag))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::table::TABLE;
    use crate::config::table::setting::Spelling;

    #[test]
    fn what_has_a_row_is_no_longer_listed() {
        for row in TABLE {
            assert!(!is_not_yet(row.name), "{}", row.name);
            assert!(!HOOKS.contains(&row.name), "{}", row.name);
            if let Spelling::Flag { long, .. } = row.spelling {
                for word in long {
                    assert!(not_yet_by_flag(&format!("--{word}")).is_none(), "{word}");
                }
            }
        }
    }
}
