//! CPU time of the programs that were run, where the system says it.

use std::fs;

/// Ticks in a second, in what Linux shows to programs.
const TICKS: f64 = 100.0;

/// Seconds of all programs that ended, and of those that they ran.
pub(crate) fn of_children() -> Option<f64> {
    parse(&fs::read_to_string("/proc/self/stat").ok()?)
}

/// `cutime` and `cstime`: the fourteenth and fifteenth after the name, which may hold anything.
fn parse(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(13);
    let ticks: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((ticks + system) as f64 / TICKS)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_name_may_hold_anything() {
        let stat = "7 (a) b) R 1 7 7 0 -1 4194304 100 200 0 0 11 12 250 50 20 0 1 0 99 0";
        assert_eq!(parse(stat), Some(3.0));
        assert_eq!(parse("7 (a) R 1"), None);
        assert_eq!(parse(""), None);
    }
}
