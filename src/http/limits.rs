//! The bounds of a request head, by gunicorn's three settings.

/// How big a request head may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `limit_request_line`: bytes of the request line without its CRLF. 0 asks for no limit and
    /// gets [`Limits::UNLIMITED_LINE`]. The settings cap it at 8190.
    pub line: usize,
    /// `limit_request_fields`: number of field lines.
    pub fields: usize,
    /// `limit_request_field_size`: bytes of one field line (name, colon, value and CRLF). 0 means
    /// [`Limits::DEFAULT_FIELD_SIZE`]. Both as gunicorn's code has it.
    pub field_size: usize,
}

impl Limits {
    /// The bound of a request line whose limit is switched off: 1 MiB, about what the default
    /// limits allow the fields together, and what a waiting connection may make us hold.
    // gunicorn: reads on without any bound.
    pub const UNLIMITED_LINE: usize = 1 << 20;

    /// gunicorn's default of `limit_request_field_size`.
    pub const DEFAULT_FIELD_SIZE: usize = 8190;

    /// The longest request line, in bytes.
    pub fn line_max(&self) -> usize {
        if self.line == 0 { Limits::UNLIMITED_LINE } else { self.line }
    }

    /// The longest field line, in bytes, with its CRLF.
    pub fn field_max(&self) -> usize {
        if self.field_size == 0 { Limits::DEFAULT_FIELD_SIZE } else { self.field_size }
    }

    /// The biggest head that can be within the three limits, in bytes: all lines at their longest
    /// with their CRLFs, and the empty line. Nobody needs a bigger buffer for a head.
    pub fn head_max(&self) -> usize {
        let fields = self.fields.saturating_mul(self.field_max());
        self.line_max().saturating_add(fields).saturating_add(4)
    }
}

impl Default for Limits {
    /// gunicorn's defaults.
    fn default() -> Self {
        Limits { line: 4094, fields: 100, field_size: Limits::DEFAULT_FIELD_SIZE }
    }
}

#[cfg(test)]
mod tests {
    use super::Limits;

    #[test]
    fn the_head_bound_follows_from_the_three_limits() {
        let limits = Limits { line: 10, fields: 2, field_size: 5 };
        assert_eq!(limits.head_max(), (10 + 2) + 2 * 5 + 2);
        let huge = Limits { line: 0, fields: usize::MAX, field_size: usize::MAX };
        assert_eq!(huge.head_max(), usize::MAX);
    }
}
