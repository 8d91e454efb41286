//! Splits a line into words as a POSIX shell does, without expanding anything.
//!
//! For `GUNICORN_CMD_ARGS`, where gunicorn uses Python's `shlex.split`: the rules are that
//! function's. The one that surprises: `#` starts no comment.

use crate::config::values::complaint::Complaint;

/// The words of a line.
pub fn split(line: &str) -> Result<Vec<String>, Complaint> {
    let mut words = Vec::new();
    // None between words; Some("") after an opening quote, so that '' is a word.
    let mut word: Option<String> = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\'' => single_quoted(&mut letters, word.get_or_insert_default())?,
            '"' => double_quoted(&mut letters, word.get_or_insert_default())?,
            '\\' => word.get_or_insert_default().push(escaped(&mut letters)?),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    Ok(words)
}

fn single_quoted(letters: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), Complaint> {
    for letter in letters {
        if letter == '\'' {
            return Ok(());
        }
        word.push(letter);
    }
    Err(unclosed('\''))
}

/// POSIX: within double quotes a backslash escapes only a double quote or a backslash here.
fn double_quoted(letters: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), Complaint> {
    while let Some(letter) = letters.next() {
        match letter {
            '"' => return Ok(()),
            '\\' => match escaped(letters)? {
                letter @ ('"' | '\\') => word.push(letter),
                letter => word.extend(['\\', letter]),
            },
            letter => word.push(letter),
        }
    }
    Err(unclosed('"'))
}

fn escaped(letters: &mut std::str::Chars<'_>) -> Result<char, Complaint> {
    let missing =
        || Complaint::new("a backslash with nothing after it", "write \\\\ for a backslash");
    letters.next().ok_or_else(missing)
}

fn unclosed(quote: char) -> Complaint {
    Complaint::new(format!("a quote {quote} that is not closed"), "close it, or put \\ before it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_pythons_shlex_splits_them() {
        // Each pair was checked against shlex.split of CPython 3.11.
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("  \t\n ", &[]),
            ("-w 4  --bind=:80", &["-w", "4", "--bind=:80"]),
            ("a'b c'd", &["ab cd"]),
            ("'' \"\"", &["", ""]),
            (r#"'a\b"c'"#, &[r#"a\b"c"#]),
            (r#""a\"b\\c\d'e""#, &[r#"a"b\c\d'e"#]),
            (r"a\ b \'", &["a b", "'"]),
            ("a\\\nb", &["a\nb"]),
            ("-e 'A=#1' # b", &["-e", "A=#1", "#", "b"]),
            ("é 'ü ö'", &["é", "ü ö"]),
        ];
        for (line, words) in cases {
            assert_eq!(split(line).unwrap(), *words, "{line}");
        }
    }

    #[test]
    fn an_open_quote_or_a_last_backslash_is_refused() {
        assert!(split("a 'b").unwrap_err().problem.contains("not closed"));
        assert!(split("a \"b").unwrap_err().problem.contains("not closed"));
        assert!(split("a\\").unwrap_err().problem.contains("backslash"));
        assert!(split("\"a\\").unwrap_err().problem.contains("backslash"));
    }
}
