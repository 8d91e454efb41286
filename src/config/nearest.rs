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

/// Letters to insert, delete or replace; two neighbours swapped count as one (optimal string
/// alignment), since that is the commonest slip.
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    let mut before = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for row in 1..=from.len() {
        let mut current = vec![row];
        for column in 1..=to.len() {
            let differs = usize::from(from[row - 1] != to[column - 1]);
            let replaced = above[column - 1] + differs;
            let mut least = replaced.min(above[column] + 1).min(current[column - 1] + 1);
            if is_swap(&from[..row], &to[..column]) {
                least = least.min(before[column - 2] + 1);
            }
            current.push(least);
        }
        before = std::mem::replace(&mut above, current);
    }
    above[to.len()]
}

/// Whether both end in the same two letters in opposite order.
fn is_swap(from: &[char], to: &[char]) -> bool {
    matches!((from, to), ([.., a, b], [.., c, d]) if a == d && b == c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_inserted_deleted_replaced_and_swapped_letters() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("worker", "workers"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("same", "same"), 0);
        assert_eq!(distance("tiemout", "timeout"), 1);
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("ca", "abc"), 3);
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
