//! Completion for bash.

use super::flags::flags;

/// A script to be sourced.
pub fn text() -> String {
    let flags = flags();
    let long: Vec<String> = flags.iter().map(|flag| format!("--{}", flag.long)).collect();
    let short = flags.iter().filter_map(|flag| flag.short.map(|letter| format!("-{letter}")));
    let all: Vec<String> = long.into_iter().chain(short).collect();
    let mut cases = String::new();
    for flag in flags.iter().filter(|flag| !flag.metavar.is_empty()) {
        let short = flag.short.map_or_else(String::new, |letter| format!("|-{letter}"));
        let answer = match (flag.words, flag.is_path) {
            ([], true) => "compgen -f -- \"$word\"".to_owned(),
            ([], false) => ":".to_owned(),
            (words, _) => format!("compgen -W '{}' -- \"$word\"", words.join(" ")),
        };
        let long = flag.long;
        cases.push_str(&format!("        --{long}{short}) COMPREPLY=($({answer})); return ;;\n"));
    }
    format!(
        "_unicoro() {{\n    local word=${{COMP_WORDS[COMP_CWORD]}}\n    \
         local before=${{COMP_WORDS[COMP_CWORD-1]}}\n    case $before in\n{cases}    esac\n    \
         if [[ $word == -* ]]; then\n        COMPREPLY=($(compgen -W '{}' -- \"$word\"))\n    \
         else\n        COMPREPLY=($(compgen -f -- \"$word\"))\n    fi\n}}\n\
         complete -o default -F _unicoro unicoro\n",
        all.join(" ")
    )
}
