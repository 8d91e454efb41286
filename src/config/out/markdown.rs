//! docs/settings.md: every setting, by section.

use super::help;
use crate::config::table::TABLE;
use crate::config::table::setting::{Section, Setting, Spelling, Support};

const OPENING: &str = "\
# Settings

Every setting has gunicorn's name, default and meaning unless its text says otherwise. A setting can
be given on the command line, in the variable `GUNICORN_CMD_ARGS` (in the command line's words), or in
the config file, a Python program that assigns to the setting's name; `./gunicorn.conf.py` is read if
no other file is named. The command line wins over the variable, the variable over the file, the file
over the default. `--print-config` shows the value of each setting and where it came from, `--help`
lists the flags, `--version` tells the version.

This file is generated from the table of settings: `unicoro --generate settings-md`.
";

/// The text of docs/settings.md.
pub fn text() -> String {
    let mut text = OPENING.to_owned();
    for section in Section::ALL {
        text.push_str(&format!("\n## {}\n", section.title()));
        for setting in TABLE.iter().filter(|setting| setting.section == *section) {
            text.push_str(&entry(setting));
        }
    }
    text
}

fn entry(setting: &Setting) -> String {
    let mut text = format!("\n### `{}`\n\n", setting.name);
    let spelled = match setting.spelling {
        Spelling::FileOnly if setting.section == Section::Hooks => {
            format!("`def {}{}`", setting.name, setting.metavar)
        }
        Spelling::FileOnly => "Config file only.".to_owned(),
        Spelling::Argument => format!("Argument `{}`.", setting.metavar),
        Spelling::Flag { .. } => format!("`{}`", help::heading(setting)),
    };
    text.push_str(&format!("{spelled}\n\n{}", help::explain(setting)));
    if !setting.reloadable {
        text.push_str(" A new value is taken over by a restart, not by a reload.");
    }
    match setting.support {
        Support::Works => {}
        Support::Accepted { why } => {
            text.push_str(&format!(" Taken for gunicorn's sake: {why}."));
        }
        Support::Refused { alternative } => {
            text.push_str(&format!(" Refused when it is set; instead: {alternative}."));
        }
    }
    text.push('\n');
    text
}
