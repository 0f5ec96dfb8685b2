//! The time of day in UTC, as run names and records write it.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

const DAY_S: u64 = 86_400;

/// A moment, to the millisecond.
#[derive(Clone, Copy, Debug)]
pub struct Utc {
    seconds: u64,
    millis: u32,
}

impl Utc {
    /// Now; a clock before 1970 counts as 1970.
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { seconds: since.as_secs(), millis: since.subsec_millis() }
    }

    /// `20261120T140145123Z`: sorts by time, and is a file name everywhere.
    pub fn compact(self) -> String {
        let (year, month, day) = self.date();
        let (hour, minute, second) = self.time();
        format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}{:03}Z", self.millis)
    }

    fn time(self) -> (u64, u64, u64) {
        let second = self.seconds % DAY_S;
        (second / 3600, second / 60 % 60, second % 60)
    }

    /// Howard Hinnant's `civil_from_days`, for days since 1970: years begin in March, so that the leap
    /// day is the last of its year.
    fn date(self) -> (u64, u64, u64) {
        let days = self.seconds / DAY_S + 719_468;
        let era = days / 146_097;
        let of_era = days % 146_097;
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        (era * 400 + year_of_era + u64::from(month <= 2), month, day)
    }
}

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        let (hour, minute, second) = self.time();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments() {
        let at = |seconds| Utc { seconds, millis: 7 }.to_string();
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert_eq!(at(951_827_696), "2000-02-29T12:34:56Z");
        assert_eq!(at(1_709_251_199), "2024-02-29T23:59:59Z");
        assert_eq!(at(4_107_542_400), "2100-03-01T00:00:00Z");
        assert_eq!(Utc { seconds: 951_827_696, millis: 7 }.compact(), "20000229T123456007Z");
    }
}
