//! Header fields of a response as bytes, in one piece.

/// Names and values, in order: each with its length before it.
#[derive(Debug, Default)]
pub struct Fields(Vec<u8>);

/// The bytes of a length.
const LEN: usize = size_of::<usize>();

impl Fields {
    /// No field yet; they will stand in this buffer, which is empty.
    #[must_use]
    pub fn within(buffer: Vec<u8>) -> Self {
        debug_assert!(buffer.is_empty());
        Self(buffer)
    }

    /// The buffer that they stand in.
    #[must_use]
    pub fn into_buffer(self) -> Vec<u8> {
        self.0
    }

    /// Adds a field whose bytes `name` and `value` append.
    ///
    /// # Errors
    /// Theirs; the fields are of no use then.
    pub fn push<E>(
        &mut self,
        name: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
        value: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.push_part(name)?;
        self.push_part(value)
    }

    fn push_part<E>(&mut self, part: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        let start = self.0.len() + LEN;
        self.0.extend_from_slice(&[0; LEN]);
        part(&mut self.0)?;
        let len = self.0.len() - start;
        self.0[start - LEN..start].copy_from_slice(&len.to_ne_bytes());
        Ok(())
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
        let mut rest = self.0.as_slice();
        std::iter::from_fn(move || Some((next_part(&mut rest)?, next_part(&mut rest)?)))
    }
}

fn next_part<'b>(rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    let (len, behind) = rest.split_first_chunk()?;
    let (part, behind) = behind.split_at_checked(usize::from_ne_bytes(*len))?;
    *rest = behind;
    Some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_as_they_were_given() {
        let append = |part: &'static [u8]| {
            move |bytes: &mut Vec<u8>| {
                bytes.extend_from_slice(part);
                Ok::<(), ()>(())
            }
        };
        let mut fields = Fields::default();
        assert_eq!(fields.iter().count(), 0);
        let given: [(&[u8], &[u8]); 3] = [(b"A", b"1"), (b"", b""), (b"Bc", &[0xff; 1000])];
        for (name, value) in given {
            fields.push(append(name), append(value)).unwrap();
        }
        assert!(fields.iter().eq(given));
    }
}
