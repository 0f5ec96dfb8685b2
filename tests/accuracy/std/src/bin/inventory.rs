//! Four threads read stock reports and add them up in one table.

use std::collections::HashMap;
use std::sync::Mutex;
use std::thread;

use accuracy::{Random, is_fixed, mix, words};

const THREADS: usize = 4;
const REPORTS: usize = 10_000;
const ROWS: usize = 80;

type Table = HashMap<String, i64>;

fn main() {
    let reports = write(&mut Random::new(13));
    let table = Mutex::new(Table::new());
    let fixed = is_fixed();
    thread::scope(|scope| {
        for part in reports.chunks(REPORTS.div_ceil(THREADS)) {
            let table = &table;
            scope.spawn(move || if fixed { read_apart(part, table) } else { read(part, table) });
        }
    });
    let table = table.into_inner().expect("no reader panicked");
    let sum = table.iter().map(|(name, amount)| mix(name.len() as u64, *amount as u64));
    println!("{} articles, {:016x}", table.len(), sum.fold(0, u64::wrapping_add));
}

fn write(random: &mut Random) -> Vec<String> {
    let names = words(random, 400);
    let row = |random: &mut Random| {
        format!("{};{};{:x}\n", random.pick(&names), random.below(900), random.next())
    };
    (0..REPORTS).map(|_| (0..ROWS).map(|_| row(random)).collect()).collect()
}

fn read(reports: &[String], table: &Mutex<Table>) {
    for report in reports {
        // culprit
        let mut table = table.lock().expect("no reader panicked");
        for line in report.lines() {
            add(line, &mut table);
        }
    }
}

fn read_apart(reports: &[String], table: &Mutex<Table>) {
    let mut own = Table::new();
    for report in reports {
        for line in report.lines() {
            add(line, &mut own);
        }
    }
    let mut table = table.lock().expect("no reader panicked");
    for (name, amount) in own {
        *table.entry(name).or_insert(0) += amount;
    }
}

/// One row: article, amount, and a signature that has to be plausible.
fn add(line: &str, table: &mut Table) {
    let mut fields = line.split(';');
    let (Some(name), Some(amount), Some(signature)) = (fields.next(), fields.next(), fields.next())
    else {
        return;
    };
    let Ok(amount) = amount.parse::<i64>() else { return };
    if !is_signed(signature) {
        return;
    }
    match table.get_mut(name) {
        Some(total) => *total += amount,
        None => {
            table.insert(name.to_owned(), amount);
        }
    }
}

/// Some rounds of a hash, whose last byte must not be 0.
fn is_signed(signature: &str) -> bool {
    let mut hash = u64::from_str_radix(signature, 16).unwrap_or(0);
    for round in 0..400 {
        hash = mix(hash, round);
    }
    hash & 0xFF != 0
}
