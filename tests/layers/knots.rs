//! Knots: files that name each other, straight or by way of others.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::names::Uses;

/// The knots among files, each in order. A knot is as large as can be: each of its files leads to each.
pub fn knots(uses: &Uses) -> Vec<Vec<PathBuf>> {
    let mut knots = BTreeSet::new();
    for file in uses.keys() {
        let reached = reached(uses, file);
        let is_mutual = |other: &&PathBuf| self::reached(uses, other).contains(file);
        if reached.contains(file) {
            knots.insert(reached.iter().filter(is_mutual).cloned().collect());
        }
    }
    knots.into_iter().collect()
}

/// All that a file leads to; itself only if it is on a way round.
fn reached(uses: &Uses, from: &PathBuf) -> BTreeSet<PathBuf> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(file) = open.pop() {
        for next in uses.get(file).into_iter().flat_map(|named| named.keys()) {
            if reached.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_knot_is_all_files_on_ways_round_and_no_others() {
        let name = |from: &str, to: &str| (PathBuf::from(from), (PathBuf::from(to), String::new()));
        let mut uses = Uses::new();
        for (from, to) in [
            name("above", "a"),
            name("a", "b"),
            name("b", "c"),
            name("c", "a"),
            name("c", "below"),
            name("d", "e"),
            name("e", "d"),
        ] {
            uses.entry(from).or_default().extend([to]);
        }
        let found = knots(&uses);
        let expected: Vec<Vec<PathBuf>> = [&["a", "b", "c"][..], &["d", "e"]]
            .map(|knot| knot.iter().map(PathBuf::from).collect())
            .into();
        assert_eq!(found, expected);
    }
}
