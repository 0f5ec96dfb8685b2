//! A limit and how it is written: `3`, `"1 KiB"`, `"50 us"`, `"+5 %"`.

use super::{BudgetError, Metric, Unit};

/// What a metric may come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// At most this, in the unit of the metric.
    AtMost(f64),
    /// At most the baseline and so many percent of it more (less where negative).
    OverBaseline {
        /// Percent of the baseline.
        pct: f64,
    },
}

/// Counts from here on are no longer exact.
const MOST: f64 = 9_007_199_254_740_992.0;

const SIZES: &[(&str, f64)] = &[
    ("B", 1.0),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
    ("kB", 1e3),
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
];

const TIMES: &[(&str, f64)] =
    &[("ns", 1.0), ("us", 1e3), ("ms", 1e6), ("s", 1e9), ("\u{b5}s", 1e3), ("\u{3bc}s", 1e3)];

impl Unit {
    /// What may stand behind a number, with what it stands for. Those to write come first.
    fn suffixes(self) -> &'static [(&'static str, f64)] {
        match self {
            Self::Count => &[],
            Self::Bytes => SIZES,
            Self::Nanoseconds => TIMES,
        }
    }

    /// How many of the suffixes are used for writing, smallest first.
    fn written(self) -> &'static [(&'static str, f64)] {
        match self {
            Self::Count => &[],
            Self::Bytes => &SIZES[..5],
            Self::Nanoseconds => &TIMES[..4],
        }
    }

    /// A limit as it is written in the source.
    pub fn example(self) -> &'static str {
        match self {
            Self::Count => "3",
            Self::Bytes => "\"1 KiB\"",
            Self::Nanoseconds => "\"50 us\"",
        }
    }
}

impl Limit {
    /// A limit given as a bare number: a count, or bytes.
    ///
    /// # Errors
    ///
    /// A time, which needs a unit; a number below 0 or of 2^53 and more.
    pub fn from_number(metric: Metric, number: f64) -> Result<Self, BudgetError> {
        if metric.unit() == Unit::Nanoseconds {
            return Err(BudgetError::NoUnit { metric, given: number.to_string() });
        }
        at_most(metric, number, || number.to_string())
    }

    /// A limit given as text: a number with its unit, a bare number as in [`Limit::from_number`], or
    /// a signed percentage.
    ///
    /// # Errors
    ///
    /// Text that is none of these, a unit that is not one of the metric's, or a number out of range.
    pub fn from_text(metric: Metric, text: &str) -> Result<Self, BudgetError> {
        let text = text.trim();
        let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '_' | '+' | '-');
        let end = text.find(|c| !is_number(c)).unwrap_or(text.len());
        let (number, suffix) = (&text[..end], text[end..].trim());
        let malformed = || BudgetError::Malformed { metric, given: text.to_owned() };
        let starts = |sign| number.starts_with(sign);
        let is_signed = starts('+') || starts('-');
        let value: f64 = number.replace('_', "").parse().map_err(|_| malformed())?;
        if suffix == "%" {
            if !is_signed {
                return Err(BudgetError::NoSign { metric, given: text.to_owned() });
            }
            if !(-100.0..=MOST).contains(&value) {
                return Err(BudgetError::OutOfRange { metric, given: text.to_owned() });
            }
            // Not -0, which would be written as such.
            return Ok(Self::OverBaseline { pct: value + 0.0 });
        }
        if starts('+') {
            return Err(malformed());
        }
        if suffix.is_empty() {
            return match metric.unit() {
                Unit::Nanoseconds => Err(BudgetError::NoUnit { metric, given: text.to_owned() }),
                Unit::Count | Unit::Bytes => at_most(metric, value, || text.to_owned()),
            };
        }
        let known = metric.unit().suffixes().iter().find(|(name, _)| *name == suffix);
        let (_, scale) =
            known.ok_or_else(|| BudgetError::UnknownUnit { metric, given: suffix.to_owned() })?;
        at_most(metric, value * scale, || text.to_owned())
    }

    /// The limit as it is written, in the largest unit that loses nothing: `1 KiB`, `2.5`, `+0 %`.
    /// [`Limit::from_text`] reads it back.
    pub fn written(self, unit: Unit) -> String {
        match self {
            Self::OverBaseline { pct } => format!("{pct:+} %"),
            Self::AtMost(value) => {
                let fits = |(_, scale): &&(&str, f64)| {
                    *scale <= 1.0 || value >= *scale && value % scale == 0.0
                };
                match unit.written().iter().rfind(fits) {
                    Some((name, scale)) => format!("{} {name}", value / scale),
                    None => value.to_string(),
                }
            }
        }
    }
}

fn at_most(
    metric: Metric,
    value: f64,
    given: impl FnOnce() -> String,
) -> Result<Limit, BudgetError> {
    if (0.0..MOST).contains(&value) {
        Ok(Limit::AtMost(value + 0.0))
    } else {
        Err(BudgetError::OutOfRange { metric, given: given() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(metric: Metric, text: &str) -> Limit {
        Limit::from_text(metric, text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn sizes_and_times_have_units() {
        let bytes = Metric::AllocBytesPerCall;
        for (given, value) in [
            ("1 KiB", 1024.0),
            ("1KiB", 1024.0),
            (" 1.5 MiB ", 1_572_864.0),
            ("2 kB", 2000.0),
            ("1_000 B", 1000.0),
            ("12", 12.0),
            ("0", 0.0),
        ] {
            assert_eq!(text(bytes, given), Limit::AtMost(value), "{given}");
        }
        for (given, value) in [
            ("50 us", 5e4),
            ("50 µs", 5e4),
            ("50 μs", 5e4),
            ("1.5ms", 1.5e6),
            ("2 s", 2e9),
            ("7 ns", 7.0),
        ] {
            assert_eq!(text(Metric::P99, given), Limit::AtMost(value), "{given}");
        }
        assert_eq!(Limit::from_number(Metric::FutureBytes, 1024.0), Ok(Limit::AtMost(1024.0)));
        assert_eq!(text(Metric::AllocsPerCall, "0.5"), Limit::AtMost(0.5));
    }

    #[test]
    fn a_percentage_is_against_the_baseline() {
        assert_eq!(text(Metric::Allocs, "+0 %"), Limit::OverBaseline { pct: 0.0 });
        assert_eq!(text(Metric::Wall, "+5%"), Limit::OverBaseline { pct: 5.0 });
        assert_eq!(text(Metric::Wall, "-2.5 %"), Limit::OverBaseline { pct: -2.5 });
    }

    #[test]
    fn what_is_written_reads_back() {
        for (metric, given, written) in [
            (Metric::AllocBytes, "1024", "1 KiB"),
            (Metric::AllocBytes, "1000", "1000 B"),
            (Metric::AllocBytes, "3 MiB", "3 MiB"),
            (Metric::AllocBytes, "0", "0 B"),
            (Metric::P99, "50000 ns", "50 us"),
            (Metric::P99, "1500 us", "1500 us"),
            (Metric::P99, "0.5 ns", "0.5 ns"),
            (Metric::Allocs, "2.25", "2.25"),
            (Metric::Allocs, "-0 %", "+0 %"),
            (Metric::Allocs, "+12.5 %", "+12.5 %"),
        ] {
            let limit = text(metric, given);
            assert_eq!(limit.written(metric.unit()), written, "{given}");
            assert_eq!(text(metric, written), limit, "{given}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let error = |metric, given| {
            let error = Limit::from_text(metric, given).expect_err(given);
            format!("{error}: {}", error.hint())
        };
        let (allocs, bytes, p99) = (Metric::AllocsPerCall, Metric::AllocBytes, Metric::P99);
        assert_eq!(
            error(p99, "50"),
            "`p99` is a time, and `50` has no unit: write `p99 = \"50 us\"` or another of `ns`, `us`, `ms`, `s`"
        );
        assert!(Limit::from_number(p99, 50.0).is_err());
        assert!(
            error(bytes, "1 Kib").ends_with("did you mean `KiB`?"),
            "{}",
            error(bytes, "1 Kib")
        );
        assert!(error(bytes, "1 kib").ends_with("did you mean `KiB`?"));
        assert!(error(bytes, "1 us").starts_with("`us` is no unit of `alloc_bytes`"));
        assert!(error(allocs, "3 B").contains("is a count"), "{}", error(allocs, "3 B"));
        assert!(error(allocs, "5 %").ends_with("write `allocs_per_call = \"+5 %\"`"));
        for given in ["", "many", "1.2.3", "+3", "--1", "1 2", "% 5", "+ 5 %"] {
            assert!(Limit::from_text(allocs, given).is_err(), "{given}");
        }
        for given in ["-1", "9007199254740992", "-101 %"] {
            assert!(error(allocs, given).contains("out of range"), "{given}");
        }
        assert!(Limit::from_number(allocs, f64::NAN).is_err());
        assert!(Limit::from_number(allocs, f64::INFINITY).is_err());
    }
}
