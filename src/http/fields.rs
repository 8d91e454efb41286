//! Header fields of a response as bytes, in one piece.

/// Names and values, in order.
#[derive(Debug, Default)]
pub struct Fields {
    bytes: Vec<u8>,
    // Where each name and each value ends.
    ends: Vec<(usize, usize)>,
}

impl Fields {
    /// Adds a field whose bytes `name` and `value` append.
    ///
    /// # Errors
    /// Theirs; the fields are of no use then.
    pub fn push<E>(
        &mut self,
        name: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
        value: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        name(&mut self.bytes)?;
        let name_end = self.bytes.len();
        value(&mut self.bytes)?;
        self.ends.push((name_end, self.bytes.len()));
        Ok(())
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|(_, value_end)| *value_end));
        starts.zip(&self.ends).map(|(start, (name_end, value_end))| {
            (&self.bytes[start..*name_end], &self.bytes[*name_end..*value_end])
        })
    }
}
