//! Joins measurements into lines, and writes a short report at the end, unbuffered and from a cloned table.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write};

use accuracy::{Random, is_fixed, mix, words};

const MEASUREMENTS: usize = 3_000_000;
const STATIONS: usize = 80;

struct Measurement<'s> {
    station: &'s str,
    tenths: i32,
}

fn main() -> io::Result<()> {
    let mut random = Random::new(34);
    let stations = words(&mut random, STATIONS);
    let fixed = is_fixed();
    let (mut totals, mut line, mut sum) = (BTreeMap::new(), String::new(), 0);
    for _ in 0..MEASUREMENTS {
        let measurement = measure(&mut random, &stations);
        line.clear();
        if fixed {
            write_line(&measurement, &mut line)
        } else {
            join(&measurement, &mut line)
        }
        sum = mix(sum, checksum(&line));
        *totals.entry(measurement.station).or_insert(0) += i64::from(measurement.tenths);
    }
    report(&totals)?;
    println!("{sum:016x}");
    Ok(())
}

fn measure<'s>(random: &mut Random, stations: &'s [String]) -> Measurement<'s> {
    Measurement { station: random.word(stations), tenths: random.below(700) as i32 - 200 }
}

fn join(measurement: &Measurement<'_>, line: &mut String) {
    *line += measurement.station;
    // culprit
    *line += &format!(";{}.{}", measurement.tenths / 10, measurement.tenths.abs() % 10);
}

fn write_line(measurement: &Measurement<'_>, line: &mut String) {
    *line += measurement.station;
    let _ = write!(line, ";{}.{}", measurement.tenths / 10, measurement.tenths.abs() % 10);
}

fn checksum(line: &str) -> u64 {
    line.bytes().fold(0, |sum, byte| mix(sum, u64::from(byte)))
}

fn report(totals: &BTreeMap<&str, i64>) -> io::Result<()> {
    let path = std::env::temp_dir().join(format!("accuracy-report-{}.txt", std::process::id()));
    let mut file = File::create(&path)?;
    for round in 0..10 {
        // cold
        let copy = totals.clone();
        for (station, tenths) in &copy {
            // cold
            writeln!(file, "{round} {station} {tenths}")?;
        }
    }
    std::fs::remove_file(&path)
}
