//! What the documents promise to list, they list.

use std::collections::BTreeMap;
use std::fs;

use crate::support::repository;

/// Every rule that the code of src/http can break, with its status where the code tells it.
fn rules_in_code() -> BTreeMap<String, Option<u16>> {
    let mut rules = BTreeMap::new();
    let entries = fs::read_dir(repository().join("src/http")).unwrap();
    // Folders hold a file's tests.
    for file in entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
        let text = fs::read_to_string(file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for (call, status) in [
            ("HttpError::bad(", Some(400)),
            ("HttpError::new(", None),
            ("unexpected(", Some(400)),
            ("self.spend(", Some(400)),
        ] {
            for (at, _) in code.match_indices(call) {
                let arguments = &code[at + call.len()..];
                let Some(rule) = arguments.split('"').nth(1).filter(|text| is_rule(text)) else {
                    continue;
                };
                let number = arguments.trim_start().split(',').next().and_then(|n| n.parse().ok());
                rules.insert(rule.to_owned(), status.or(number));
            }
        }
    }
    rules
}

fn is_rule(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte))
}

/// The rules of the table, with their status.
pub fn rules_in_document() -> BTreeMap<String, u16> {
    let text = fs::read_to_string(repository().join("docs/http.md")).unwrap();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let rule =
            cells.get(1)?.strip_prefix('`')?.strip_suffix('`').filter(|text| is_rule(text))?;
        Some((rule.to_owned(), cells.get(3)?.parse().ok()?))
    };
    text.lines().filter_map(row).collect()
}

#[test]
fn the_table_of_rules_lists_every_rule_of_the_code() {
    let (code, document) = (rules_in_code(), rules_in_document());
    assert!(code.len() > 30, "{code:?}");
    for (rule, status) in &code {
        let listed = document.get(rule).unwrap_or_else(|| panic!("{rule} is not in docs/http.md"));
        assert!(status.is_none_or(|status| status == *listed), "{rule}: {listed} in docs/http.md");
    }
    let gone: Vec<_> = document.keys().filter(|rule| !code.contains_key(*rule)).collect();
    assert!(gone.is_empty(), "in docs/http.md, but not in the code: {gone:?}");
}
