//! Takes addresses out of log lines before they are passed on.

use std::sync::LazyLock;

use accuracy::{Random, access_log, is_fixed, mix};
use regex::Regex;

const LINES: usize = 15_000;

fn main() {
    let log = access_log(&mut Random::new(11), LINES);
    let fixed = is_fixed();
    let (mut sum, mut users) = (0, 0);
    for line in log.lines() {
        let clean = if fixed { scrub_compiled(line) } else { scrub(line) };
        users += usize::from(clean.contains("user=***"));
        sum = mix(sum, fingerprint(&clean));
    }
    println!("{users} users, {sum:016x}");
}

fn scrub(line: &str) -> String {
    // culprit
    let address = Regex::new(r"[A-Za-z0-9._-]+@[A-Za-z0-9-]+\.[a-z]{2,}").expect("it is valid");
    address.replace_all(line, "***").into_owned()
}

fn scrub_compiled(line: &str) -> String {
    static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"[A-Za-z0-9._-]+@[A-Za-z0-9-]+\.[a-z]{2,}").expect("it is valid")
    });
    ADDRESS.replace_all(line, "***").into_owned()
}

/// The least hashes of runs of six letters, so that lines that are alike can be found.
fn fingerprint(line: &str) -> u64 {
    let mut least = [u64::MAX; 64];
    for run in line.as_bytes().windows(6) {
        let hash = run.iter().fold(0, |hash, byte| mix(hash, u64::from(*byte)));
        for (turn, least) in least.iter_mut().enumerate() {
            *least = (*least).min(hash.rotate_left(turn as u32));
        }
    }
    least.into_iter().fold(0, mix)
}
