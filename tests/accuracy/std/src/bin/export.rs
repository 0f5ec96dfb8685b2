//! Simulates a portfolio and writes each day's prices to a file.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use accuracy::{Random, is_fixed, mix};

const DAYS: usize = 300_000;
const SHARES: usize = 40;

fn main() -> io::Result<()> {
    let path = std::env::temp_dir().join(format!("accuracy-export-{}.csv", std::process::id()));
    let days = simulate(&mut Random::new(12));
    let file = File::create(&path)?;
    let written = if is_fixed() {
        let mut file = BufWriter::new(file);
        let written = write_buffered(&days, &mut file)?;
        file.flush()?;
        written
    } else {
        write(&days, file)?
    };
    std::fs::remove_file(&path)?;
    println!("{written} rows, {:016x}", days.iter().fold(0, |sum, day| mix(sum, day.to_bits())));
    Ok(())
}

/// The value of each day.
fn simulate(random: &mut Random) -> Vec<f64> {
    let mut prices = [100.0; SHARES];
    (0..DAYS)
        .map(|_| {
            step(&mut prices, random);
            prices.iter().sum::<f64>() / SHARES as f64
        })
        .collect()
}

/// All prices a day later.
fn step(prices: &mut [f64], random: &mut Random) {
    let market = random.fraction() - 0.5;
    for price in prices {
        let own = random.fraction() - 0.5;
        *price = (*price * (1.0 + 0.004 * market + 0.006 * own)).clamp(1.0, 10_000.0);
    }
}

fn write(days: &[f64], mut file: File) -> io::Result<usize> {
    for (day, value) in days.iter().enumerate() {
        // culprit
        writeln!(file, "{day},{value:.4}")?;
    }
    Ok(days.len())
}

fn write_buffered(days: &[f64], file: &mut BufWriter<File>) -> io::Result<usize> {
    for (day, value) in days.iter().enumerate() {
        writeln!(file, "{day},{value:.4}")?;
    }
    Ok(days.len())
}
