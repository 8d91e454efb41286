//! The fields of a head: those that a browser sends without an allocation, and as many more as come.

use std::ops::Deref;

/// A browser sends about so many.
const USUAL: usize = 16;

/// One field line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'b> {
    /// In the client's case.
    pub name: &'b str,
    /// Without white space around it; HTAB, SP, VCHAR and obs-text only.
    pub value: &'b [u8],
}

/// Fields, in order.
#[derive(Clone, Debug)]
pub struct FieldList<'b> {
    usual: [Field<'b>; USUAL],
    len: usize,
    // All of them, if they are more.
    many: Vec<Field<'b>>,
}

impl<'b> FieldList<'b> {
    /// None yet.
    pub(super) fn new() -> Self {
        Self { usual: [Field { name: "", value: b"" }; USUAL], len: 0, many: Vec::new() }
    }

    /// Adds one behind the others.
    pub(super) fn push(&mut self, field: Field<'b>) {
        if let Some(place) = self.usual.get_mut(self.len) {
            *place = field;
        } else {
            if self.many.is_empty() {
                self.many.extend_from_slice(&self.usual);
            }
            self.many.push(field);
        }
        self.len += 1;
    }

    /// Keeps those for which `keeps` is true.
    pub(super) fn retain(&mut self, keeps: impl Fn(&Field<'b>) -> bool) {
        let mut kept = Self::new();
        self.iter().filter(|field| keeps(field)).for_each(|field| kept.push(*field));
        *self = kept;
    }
}

impl<'b> Deref for FieldList<'b> {
    type Target = [Field<'b>];

    fn deref(&self) -> &[Field<'b>] {
        self.usual.get(..self.len).unwrap_or(&self.many)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_many_there_are_they_stay_in_order() {
        let names: Vec<String> = (0..3 * USUAL).map(|number| number.to_string()).collect();
        let mut list = FieldList::new();
        for (count, name) in names.iter().enumerate() {
            list.push(Field { name, value: b"" });
            assert!(list.iter().map(|field| field.name).eq(&names[..=count]));
        }
        list.retain(|field| field.name.len() == 1);
        assert!(list.iter().map(|field| field.name).eq(&names[..10]));
    }
}
