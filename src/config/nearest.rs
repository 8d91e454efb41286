//! The nearest known name to a mistyped one.
//!
//! Never guesses for short names: a config file is full of helper variables, and a wrong hint
//! for each is worse than none.

/// Most letters that may differ.
const MAX_DISTANCE: usize = 2;
/// One letter may differ for each this many of the name: `bin` says nothing about `bind`.
const LETTERS_PER_DIFFERENCE: usize = 4;

/// The candidate with the fewest differing letters, if few enough.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = MAX_DISTANCE.min(name.chars().count() / LETTERS_PER_DIFFERENCE);
    candidates
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's: letters to insert, delete or replace.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (above, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (column, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_inserted_deleted_and_replaced_letters() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("worker", "workers"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("same", "same"), 0);
    }

    #[test]
    fn near_names_are_found_and_far_or_short_ones_are_not() {
        let names = ["bind", "workers", "keepalive", "user"];
        let find = |name| nearest(name, names.into_iter());
        assert_eq!(find("worker"), Some("workers"));
        assert_eq!(find("keep_alives"), Some("keepalive"));
        assert_eq!(find("binds"), Some("bind"));
        assert_eq!(find("use"), None);
        assert_eq!(find("port"), None);
        assert_eq!(find("database"), None);
    }
}
