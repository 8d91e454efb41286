//! What is written about the settings outside of `--help`: manual page, completions, docs.
//!
//! All of it comes from the table, so none of it can disagree with it. `unicoro --generate WHAT`
//! prints one; docs/settings.md is such a print, and a test compares it.

mod bash;
mod fish;
mod flags;
pub mod help;
mod man;
mod markdown;
mod names;
mod zsh;

/// A word, and what makes the text that it asks for.
type Text = (&'static str, fn() -> String);

/// What can be generated.
pub const WORDS: &[Text] = &[
    ("man", man::text),
    ("complete-bash", bash::text),
    ("complete-zsh", zsh::text),
    ("complete-fish", fish::text),
    ("settings-md", markdown::text),
];

/// The text that a word asks for.
pub fn generate(word: &str) -> Option<String> {
    WORDS.iter().find(|(known, _)| *known == word).map(|(_, text)| text())
}

#[cfg(test)]
mod tests {
    use super::flags::flags;
    use super::*;
    use crate::config::table::TABLE;

    fn dashed(word: &str) -> String {
        format!("--{word}")
    }

    /// The words of a generated text that look like flags.
    fn flags_in(text: &str) -> std::collections::BTreeSet<String> {
        text.replace("\\-", "-")
            .split(|letter: char| !(letter.is_ascii_alphanumeric() || "-_".contains(letter)))
            .filter(|word| word.starts_with("--") && word.len() > 2)
            .map(|word| word.trim_end_matches('-').to_owned())
            .collect()
    }

    #[test]
    fn what_can_be_generated_has_its_name() {
        let words: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
        assert_eq!(words, names::NAMES);
    }

    #[test]
    fn every_flag_of_the_table_is_in_help_manual_docs_and_completions() {
        let help = help::text();
        for flag in flags() {
            let spelled = format!("--{}", flag.long);
            for (word, text) in WORDS {
                let (wanted, text) = match *word {
                    "complete-fish" => (format!("-l {}", flag.long), text()),
                    _ => (spelled.clone(), text().replace("\\-", "-")),
                };
                assert!(text.contains(&wanted), "{wanted} in {word}");
            }
            assert!(help.contains(&spelled), "{spelled} in the help");
        }
    }

    #[test]
    fn no_text_names_a_flag_that_does_not_exist() {
        let known: std::collections::BTreeSet<String> =
            flags().iter().map(|flag| flag.long).chain(["generate"]).map(dashed).collect();
        for (word, text) in WORDS {
            let unknown: Vec<_> = flags_in(&text()).difference(&known).cloned().collect();
            assert_eq!(unknown, Vec::<String>::new(), "{word}");
        }
        let unknown: Vec<_> = flags_in(&help::text()).difference(&known).cloned().collect();
        assert_eq!(unknown, Vec::<String>::new(), "help");
    }

    #[test]
    fn every_setting_is_in_the_docs() {
        let text = markdown::text();
        for setting in TABLE {
            assert!(text.contains(&format!("\n### `{}`\n", setting.name)), "{}", setting.name);
        }
    }

    #[test]
    fn docs_settings_md_is_what_is_generated() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/settings.md");
        let written = std::fs::read_to_string(path).unwrap_or_default();
        let hint = "run: cargo run -- --generate settings-md > docs/settings.md";
        assert!(written.trim_end() == markdown::text().trim_end(), "{hint}");
    }
}
