//! The manual page, unicoro(1), in man(7)'s language.

use super::help;
use super::names::NAMES;
use crate::config::table::TABLE;
use crate::config::table::setting::Section;

const OPENING: &str = r#".TH UNICORO 1
.SH NAME
unicoro \- production server for Python web applications (WSGI and ASGI)
.SH SYNOPSIS
.B unicoro
.RI [ OPTIONS ]
.RI [ APP ]
.SH DESCRIPTION
A master process forks workers, each of which loads the application and serves requests. Command
line, config file and signals are gunicorn's.
.PP
Settings come from, the later the stronger: defaults, the config file, the variable
.BR GUNICORN_CMD_ARGS ,
the command line.
"#;

const CLOSING: &str = r#".SH SIGNALS
.TP
.B TERM
Stop: requests in progress end first, within graceful_timeout. A second one changes nothing; after INT or QUIT
2 seconds are left of it.
.TP
.BR INT ", " QUIT
Stop at once.
.TP
.B HUP
Reload: read the settings again, start new workers, then stop the old ones. If anything of that
fails the old ones serve on.
.TP
.BR TTIN ", " TTOU
One worker more or fewer.
.TP
.B USR1
Open the log files anew.
.TP
.B USR2
Start a new master from the executable on disk, beside this one and with the same sockets. TERM to
one of the two decides.
.TP
.B WINCH
Stop the workers and keep the master, if it is a daemon.
.SH EXIT STATUS
A stop while the config file runs, or while the application is loaded for \-\-check\-config, \-\-print\-config or
\-\-preload, ends the program by that signal.
.TP
.B 0
Stopped by a signal.
.TP
.B 1
A setting is wrong, or the server could not start.
.TP
.B 2
The command line is not understood.
.TP
.B 3
The application could not be imported, or a hook of the config file failed in the first worker.
.TP
.B 4
The application is not where it was said to be.
.SH FILES
.TP
.I gunicorn.conf.py
The config file that is read when none is named, in the directory of the start.
"#;

/// The manual page, in man(7)'s language.
pub fn text() -> String {
    let mut text = OPENING.to_owned();
    for section in Section::ALL {
        text.push_str(&format!(".SH {}\n", escape(&section.title().to_uppercase())));
        for setting in TABLE.iter().filter(|setting| setting.section == *section) {
            let heading = escape(&help::heading(setting));
            text.push_str(&format!(".TP\n.B {heading}\n{}\n", escape(&help::explain(setting))));
        }
    }
    text.push_str(".SH INFORMATION\n.TP\n.B \\-h, \\-\\-help\nPrint the help and exit.\n");
    text.push_str(".TP\n.B \\-v, \\-\\-version\nPrint the version and exit.\n");
    let words = escape(&NAMES.join(", "));
    text.push_str(&format!(".TP\n.B \\-\\-generate WHAT\nPrint a text and exit: {words}.\n"));
    text.push_str(CLOSING);
    text
}

/// A backslash begins an escape, a dash is a hyphen unless it is escaped, and a dot or a quote at the
/// beginning of a line is a command.
fn escape(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    match text.chars().next() {
        Some('.' | '\'') => format!("\\&{text}"),
        _ => text,
    }
}
