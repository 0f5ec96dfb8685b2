//! Reads rows of measurements and prints mean and deviation of each column.

use std::fmt::Write;

use accuracy::{Random, is_fixed};

const ROWS: usize = 60_000;
const COLUMNS: usize = 24;
const ROUNDS: usize = 10;

#[derive(Clone, Copy, Default)]
struct Column {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Column {
    /// Welford's update.
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let distance = value - self.mean;
        self.mean += distance / self.count;
        self.squares += distance * (value - self.mean);
    }
}

fn main() {
    let text = measure(&mut Random::new(10));
    let fixed = is_fixed();
    let mut columns = [Column::default(); COLUMNS];
    for _ in 0..ROUNDS {
        for line in text.lines() {
            if fixed { add_row_lazily(line, &mut columns) } else { add_row(line, &mut columns) }
        }
    }
    for column in &columns {
        println!("{:.3} {:.3}", column.mean, (column.squares / column.count).sqrt());
    }
}

fn measure(random: &mut Random) -> String {
    let mut text = String::with_capacity(ROWS * COLUMNS * 6);
    for _ in 0..ROWS {
        for column in 0..COLUMNS {
            let value = random.below(2_000) * (column + 1);
            let _ = write!(text, "{value}{}", if column + 1 < COLUMNS { ',' } else { '\n' });
        }
    }
    text
}

fn add_row(line: &str, columns: &mut [Column]) {
    // culprit
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    for (field, column) in fields.iter().zip(columns) {
        if let Some(value) = parse(field) {
            column.add(value);
        }
    }
}

fn add_row_lazily(line: &str, columns: &mut [Column]) {
    for (field, column) in line.split(',').map(str::trim).zip(columns) {
        if let Some(value) = parse(field) {
            column.add(value);
        }
    }
}

/// Whole hundredths.
fn parse(field: &str) -> Option<f64> {
    let hundredths: u32 = field.parse().ok()?;
    Some(f64::from(hundredths) / 100.0)
}
