//! Prints the primes of a range with their digits' sum.

use std::io::{self, BufWriter, Write};

use accuracy::is_fixed;

const LIMIT: usize = 8_000_000;

fn main() -> io::Result<()> {
    let composite = sieve(LIMIT);
    if is_fixed() { write_all(&composite) } else { print_all(&composite) }
}

/// Whether each odd number is composite.
fn sieve(limit: usize) -> Vec<bool> {
    let mut composite = vec![false; limit / 2];
    composite[0] = true;
    let mut number = 3;
    while number * number < limit {
        if !composite[number / 2] {
            cross_out(&mut composite, number);
        }
        number += 2;
    }
    composite
}

fn cross_out(composite: &mut [bool], number: usize) {
    let mut multiple = number * number / 2;
    while multiple < composite.len() {
        composite[multiple] = true;
        multiple += number;
    }
}

fn print_all(composite: &[bool]) -> io::Result<()> {
    for (half, is_composite) in composite.iter().enumerate() {
        if !is_composite {
            let prime = 2 * half + 1;
            // culprit
            println!("{prime} {} {}", digits(prime), order(prime));
        }
    }
    Ok(())
}

fn write_all(composite: &[bool]) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for (half, is_composite) in composite.iter().enumerate() {
        if !is_composite {
            let prime = 2 * half + 1;
            writeln!(out, "{prime} {} {}", digits(prime), order(prime))?;
        }
    }
    out.flush()
}

fn digits(mut number: usize) -> usize {
    let mut sum = 0;
    while number > 0 {
        sum += number % 10;
        number /= 10;
    }
    sum
}

/// After how many digits one over the prime repeats, up to sixty.
fn order(prime: usize) -> usize {
    let (mut power, mut length) = (10 % prime, 1);
    while power > 1 && length < 60 {
        power = power * 10 % prime;
        length += 1;
    }
    length
}
