//! Numbers as people read them: times, sizes, counts and percentages with their units.

/// A time: `1.23 s`, `45.6 ms`, `7.89 µs`, `12 ns`.
pub fn time(ns: f64) -> String {
    const UNITS: [(f64, &str); 3] = [(1e9, "s"), (1e6, "ms"), (1e3, "µs")];
    let ns = ns.max(0.0);
    for (scale, unit) in UNITS {
        // 999.95 µs would print as `1000 µs`.
        if ns >= scale * 0.9995 {
            return format!("{} {unit}", three_digits(ns / scale));
        }
    }
    format!("{} ns", ns.round())
}

/// A size in binary units: `1.25 MiB`, `512 B`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{} {}", three_digits(value), UNITS[unit])
}

/// A count, its thousands set apart: `12 345`.
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun in the right number: `1 call`, `12 calls`.
pub fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// A percentage: `41.2 %`, `0.03 %`, `<0.01 %`.
pub fn percent(pct: f64) -> String {
    format!("{} %", percent_number(pct))
}

/// The number of [`percent`] without its sign, for tables and ranges.
pub fn percent_number(pct: f64) -> String {
    let size = pct.abs();
    if size == 0.0 {
        "0".to_owned()
    } else if size < 0.01 {
        "<0.01".to_owned()
    } else if size < 0.995 {
        format!("{pct:.2}")
    } else if size < 99.95 {
        format!("{pct:.1}")
    } else {
        format!("{pct:.0}")
    }
}

fn three_digits(value: f64) -> String {
    if value < 9.995 {
        format!("{value:.2}")
    } else if value < 99.95 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_carry_the_unit_that_fits() {
        assert_eq!(time(0.0), "0 ns");
        assert_eq!(time(999.0), "999 ns");
        assert_eq!(time(999.9), "1.00 µs");
        assert_eq!(time(45_600_000.0), "45.6 ms");
        assert_eq!(time(999_960_000.0), "1.00 s");
        assert_eq!(time(1_234_000_000.0), "1.23 s");
        assert_eq!(time(-5.0), "0 ns");
    }

    #[test]
    fn sizes_are_binary() {
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1024), "1.00 KiB");
        assert_eq!(bytes(1_258_291), "1.20 MiB");
        assert_eq!(bytes(u64::MAX), "16777216 TiB");
    }

    #[test]
    fn counts_are_grouped_and_agree_with_their_noun() {
        assert_eq!(count(7), "7");
        assert_eq!(count(1_234_567), "1 234 567");
        assert_eq!(counted(1, "call"), "1 call");
        assert_eq!(counted(0, "call"), "0 calls");
    }

    #[test]
    fn small_percentages_do_not_read_as_nothing() {
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(0.004), "<0.01 %");
        assert_eq!(percent(0.5), "0.50 %");
        assert_eq!(percent(41.23), "41.2 %");
        assert_eq!(percent(99.99), "100 %");
    }
}
