//! What shows the server's settings and lines of Python. Data only.

use super::row::{ROW, flag};
use super::setting::{Kind, Preset, Section, Setting};

/// In the order of the help.
pub const ROWS: &[Setting] = &[
    Setting {
        name: "spew",
        section: Section::Inspection,
        spelling: flag(&["spew"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        doc: "Print each line of Python that the application runs to standard output, as \
              MODULE:NUMBER: LINE; for debugging, and slow.",
        ..ROW
    },
    Setting {
        name: "check_config",
        section: Section::Inspection,
        spelling: flag(&["check-config"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        reloadable: false,
        doc: "Read the settings, load the application and exit: 0 if all is well.",
        ..ROW
    },
    Setting {
        name: "print_config",
        section: Section::Inspection,
        spelling: flag(&["print-config"]),
        kind: Kind::Flag,
        default: Preset::Bool(false),
        reloadable: false,
        doc: "Print every setting with its value and where the value came from, and check \
              the application as check_config does.",
        ..ROW
    },
];
