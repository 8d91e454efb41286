//! The table of settings: one row each. Data only.
//!
//! Command line, config file, `GUNICORN_CMD_ARGS`, `--print-config` and `--help` all come from
//! here. The rule: a row is added together with what it does; a flag that parses and does nothing
//! is a defect. Names, flags and defaults are gunicorn's, the texts ours.

mod app;
pub mod gunicorn;
mod hooks;
mod inspection;
mod limits;
mod listening;
mod logging;
mod process;
mod proxies;
mod row;
pub mod setting;
mod websockets;
mod workers;

use setting::Setting;
pub use workers::MAX_WORKERS;

/// In the order of the help.
const SECTIONS: [&[Setting]; 10] = [
    app::ROWS,
    listening::ROWS,
    workers::ROWS,
    limits::ROWS,
    websockets::ROWS,
    proxies::ROWS,
    process::ROWS,
    logging::ROWS,
    inspection::ROWS,
    hooks::ROWS,
];

/// Every setting, in the order of the help.
pub static TABLE: &[Setting] = &joined();

const LENGTH: usize = {
    let (mut length, mut section) = (0, 0);
    while section < SECTIONS.len() {
        length += SECTIONS[section].len();
        section += 1;
    }
    length
};

// A loop by hand: iterators do not run at compile time.
const fn joined() -> [Setting; LENGTH] {
    let mut all = [row::ROW; LENGTH];
    let (mut next, mut section) = (0, 0);
    while section < SECTIONS.len() {
        let mut index = 0;
        while index < SECTIONS[section].len() {
            all[next] = SECTIONS[section][index];
            index += 1;
            next += 1;
        }
        section += 1;
    }
    all
}

/// The row of a name.
pub fn find(name: &str) -> Option<&'static Setting> {
    TABLE.iter().find(|setting| setting.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::setting::{Kind, Section, Spelling};
    use super::*;

    #[test]
    fn every_row_is_documented_in_sentences() {
        for row in TABLE {
            assert!(row.doc.ends_with('.'), "{}", row.name);
            assert!(row.doc.chars().next().unwrap().is_uppercase(), "{}", row.name);
            assert!(!row.doc.contains("  "), "{}", row.name);
        }
    }

    #[test]
    fn names_and_flags_are_unique() {
        let (mut names, mut flags) =
            (BTreeSet::new(), BTreeSet::from(["-h", "-v"].map(String::from)));
        flags.extend(["--help", "--version"].map(String::from));
        for row in TABLE {
            assert!(names.insert(row.name), "{}", row.name);
            if let Spelling::Flag { short, long } = row.spelling {
                assert!(!long.is_empty(), "{}", row.name);
                let short = short.map(|letter| format!("-{letter}"));
                let long = long.iter().map(|word| format!("--{word}"));
                for spelling in short.into_iter().chain(long) {
                    assert!(flags.insert(spelling.clone()), "{spelling}");
                }
            }
        }
    }

    #[test]
    fn rows_that_take_a_value_have_a_metavar_and_flags_have_none() {
        for row in TABLE {
            let is_flag = matches!(row.kind, Kind::Flag | Kind::FlagOff);
            assert_eq!(is_flag, row.metavar.is_empty(), "{}", row.name);
        }
    }

    #[test]
    fn rows_of_a_section_stand_together_in_the_order_of_the_help() {
        let mut sections: Vec<Section> = TABLE.iter().map(|row| row.section).collect();
        sections.dedup();
        assert_eq!(sections, Section::ALL);
    }

    #[test]
    fn only_one_row_is_the_argument() {
        let arguments = TABLE.iter().filter(|row| matches!(row.spelling, Spelling::Argument));
        assert_eq!(arguments.count(), 1);
    }
}
