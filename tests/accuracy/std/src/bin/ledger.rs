//! Books transfers between accounts and lists who moved most.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};

use accuracy::{Random, is_fixed, mix};

const ACCOUNTS: usize = 40_000;
const TRANSFERS: usize = 5_000_000;

struct Transfer {
    from: u64,
    to: u64,
    cents: i64,
}

/// The multiplication that `FxHasher` does for one number (rustc-hash 1.1, MIT or Apache-2.0).
#[derive(Default)]
struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x517C_C1B7_2722_0A95);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

fn main() {
    let transfers = record(&mut Random::new(9));
    let sum = if is_fixed() {
        total(&book(
            &transfers,
            HashMap::with_hasher(BuildHasherDefault::<NumberHasher>::default()),
        ))
    } else {
        total(&book(&transfers, HashMap::new()))
    };
    println!("{sum:016x} {}", audit(&transfers));
}

fn record(random: &mut Random) -> Vec<Transfer> {
    let accounts: Vec<u64> = (0..ACCOUNTS).map(|_| random.next() >> 20).collect();
    let transfer = |_| Transfer {
        from: *random.pick(&accounts),
        to: *random.pick(&accounts),
        cents: random.below(1_000_000) as i64,
    };
    (0..TRANSFERS).map(transfer).collect()
}

fn book<S: BuildHasher>(
    transfers: &[Transfer],
    mut balances: HashMap<u64, i64, S>,
) -> HashMap<u64, i64, S> {
    for transfer in transfers {
        // culprit
        *balances.entry(transfer.from).or_insert(0) -= transfer.cents;
        // culprit
        *balances.entry(transfer.to).or_insert(0) += transfer.cents;
    }
    balances
}

fn total<S>(balances: &HashMap<u64, i64, S>) -> u64 {
    let mut rows: Vec<_> = balances.iter().map(|(account, balance)| (*balance, *account)).collect();
    rows.sort_unstable();
    rows.iter().take(100).fold(0, |sum, (balance, account)| mix(sum, account ^ *balance as u64))
}

/// Amounts whose check digits don't fit.
fn audit(transfers: &[Transfer]) -> usize {
    transfers.iter().filter(|transfer| check_digit(transfer.cents as u64) == 7).count()
}

/// By Luhn.
fn check_digit(mut number: u64) -> u64 {
    let (mut sum, mut double) = (0, true);
    while number > 0 {
        let digit = number % 10 * if double { 2 } else { 1 };
        sum += digit / 10 + digit % 10;
        number /= 10;
        double = !double;
    }
    (10 - sum % 10) % 10
}
