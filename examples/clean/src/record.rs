//! One line of the log, parsed without copying.

/// A request, with its fields borrowed from the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) endpoint: &'a str,
    pub(crate) status: u16,
    pub(crate) bytes: u64,
    pub(crate) latency_us: u64,
}

impl<'a> Record<'a> {
    /// Parses `time,endpoint,status,bytes,latency`; `None` when the line is none such.
    pub(crate) fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.split(',');
        let _time: u64 = fields.next()?.parse().ok()?;
        let record = Self {
            endpoint: fields.next()?,
            status: fields.next()?.parse().ok()?,
            bytes: fields.next()?.parse().ok()?,
            latency_us: fields.next()?.parse().ok()?,
        };
        fields.next().is_none().then_some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_lines_parse_and_damaged_ones_do_not() {
        let record = Record { endpoint: "/login", status: 200, bytes: 12, latency_us: 340 };
        assert_eq!(Record::parse("1,/login,200,12,340"), Some(record));
        assert_eq!(Record::parse("1,/login,?,12,340"), None);
        assert_eq!(Record::parse("1,/login,200,12"), None);
        assert_eq!(Record::parse("1,/login,200,12,340,5"), None);
    }
}
