//! The nearest known name to a mistyped one.
//!
//! Never guesses for short names: a config file is full of helper variables, and a wrong hint
//! for each is worse than none.

use strsim::osa_distance;

/// Most letters that may differ.
const MAX_DISTANCE: usize = 2;
/// One letter may differ for each this many of the name: `bin` says nothing about `bind`.
const LETTERS_PER_DIFFERENCE: usize = 4;

/// The candidate with the fewest differing letters, if few enough. Two neighbours that are swapped
/// count as one (optimal string alignment), since that is the commonest slip.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = MAX_DISTANCE.min(name.chars().count() / LETTERS_PER_DIFFERENCE);
    candidates
        .map(|candidate| (osa_distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn two_swapped_neighbours_count_as_one_letter() {
        assert_eq!(nearest("wokrer", ["worker"].into_iter()), Some("worker"));
    }
}
