//! Makes up an access log, the same one for the same round.

use hotpath_runtime::hotpath;

/// More bytes than a line takes.
pub(crate) const LINE_BYTES: usize = 64;

/// The endpoints that requests go to.
pub(crate) const ENDPOINTS: [&str; 8] =
    ["/", "/search", "/login", "/logout", "/orders", "/orders/new", "/health", "/metrics"];

/// Requests after which the load repeats itself.
const PERIOD: usize = 48;

/// Fills `log` with `lines` lines: `time,endpoint,status,bytes,latency`. Some are damaged.
#[hotpath]
pub(crate) fn log(log: &mut String, lines: usize, round: u64) {
    let mut random = Random(round.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    log.clear();
    for line in 0..lines {
        let noise = random.next();
        number(log, 1_700_000_000_000 + line as u64);
        log.push(',');
        log.push_str(ENDPOINTS[(noise & 7) as usize]);
        log.push_str(match noise >> 54 {
            0..8 => ",500,",
            8..64 => ",404,",
            64 => ",?,",
            _ => ",200,",
        });
        number(log, noise >> 9 & 0xffff);
        log.push(',');
        let load = (line % PERIOD).abs_diff(PERIOD / 2) as u64;
        number(log, 150 + 40 * load + (noise >> 25 & 0x1ff));
        log.push('\n');
    }
}

/// Appends the decimal digits of `value`.
fn number(text: &mut String, mut value: u64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    text.push_str(str::from_utf8(&digits[start..]).expect("decimal digits are ASCII"));
}

/// Xorshift; the state must not be 0.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_decimal() {
        let mut text = String::new();
        for value in [0, 7, 10, 909, u64::MAX] {
            number(&mut text, value);
            text.push(' ');
        }
        assert_eq!(text, format!("0 7 10 909 {} ", u64::MAX));
    }

    #[test]
    fn lines_fit_in_the_promised_room() {
        let mut text = String::new();
        log(&mut text, 1_000, 3);
        assert_eq!(text.lines().count(), 1_000);
        assert!(text.lines().all(|line| line.len() < LINE_BYTES));
    }
}
