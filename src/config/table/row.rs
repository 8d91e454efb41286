//! What the rows of several sections are written with. Data only.

use super::setting::{Kind, Preset, Section, Setting, Spelling, Support};

/// Longest duration, in seconds: 68 years, so that a deadline always fits its clock.
pub const MAX_SECONDS: i64 = i32::MAX as i64;

pub const SECONDS: Kind = Kind::Int { min: 0, max: MAX_SECONDS };

pub const COUNT: Kind = Kind::Int { min: 0, max: i64::MAX };

/// What most rows share; each row names what it changes.
pub const ROW: Setting = Setting {
    name: "",
    section: Section::App,
    spelling: Spelling::FileOnly,
    metavar: "",
    kind: Kind::Text,
    default: Preset::None,
    default_on_coroutine: None,
    env: None,
    reloadable: true,
    support: Support::Works,
    doc: "",
};

pub const fn flag(long: &'static [&'static str]) -> Spelling {
    Spelling::Flag { short: None, long }
}

pub const fn short_flag(short: char, long: &'static [&'static str]) -> Spelling {
    Spelling::Flag { short: Some(short), long }
}
