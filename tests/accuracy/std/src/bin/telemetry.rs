//! Decodes packets of varint samples and prints the spread that each sensor had.

use accuracy::{Random, is_fixed, mix};

const PACKETS: usize = 1_000_000;
const SENSORS: usize = 64;

struct Packet {
    sensor: usize,
    bytes: Vec<u8>,
}

#[derive(Clone, Default)]
struct Sensor {
    packets: u64,
    spread: i64,
    energy: f64,
}

fn main() {
    let packets = record(&mut Random::new(1));
    let mut sensors = vec![Sensor::default(); SENSORS];
    if is_fixed() {
        summarize_in_one_buffer(&packets, &mut sensors);
    } else {
        summarize(&packets, &mut sensors);
    }
    let sum = sensors.iter().fold(0, |sum, it| mix(sum, it.packets ^ it.spread as u64));
    let energy: f64 = sensors.iter().map(|sensor| sensor.energy).sum();
    println!("{sum:016x} {energy:.3}");
}

/// Packets as a logger would have written them.
fn record(random: &mut Random) -> Vec<Packet> {
    let mut packets = Vec::with_capacity(PACKETS);
    for _ in 0..PACKETS {
        let count = 12 + random.below(30);
        let mut bytes = Vec::with_capacity(count * 2);
        for _ in 0..count {
            encode(random.below(6_000) as i64 - 3_000, &mut bytes);
        }
        packets.push(Packet { sensor: random.below(SENSORS), bytes });
    }
    packets
}

/// One zigzag varint.
fn encode(value: i64, bytes: &mut Vec<u8>) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
}

/// The varint at `at`, and where the next one starts.
fn decode(bytes: &[u8], mut at: usize) -> (i64, usize) {
    let (mut value, mut shift) = (0u64, 0);
    loop {
        let byte = bytes[at];
        at += 1;
        value |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return ((value >> 1) as i64 ^ -((value & 1) as i64), at);
        }
        shift += 7;
    }
}

fn summarize(packets: &[Packet], sensors: &mut [Sensor]) {
    for packet in packets {
        // culprit
        let mut samples = Vec::new();
        let mut at = 0;
        while at < packet.bytes.len() {
            let (value, next) = decode(&packet.bytes, at);
            samples.push(value);
            at = next;
        }
        account(&samples, &mut sensors[packet.sensor]);
    }
}

fn summarize_in_one_buffer(packets: &[Packet], sensors: &mut [Sensor]) {
    let mut samples = Vec::new();
    for packet in packets {
        samples.clear();
        let mut at = 0;
        while at < packet.bytes.len() {
            let (value, next) = decode(&packet.bytes, at);
            samples.push(value);
            at = next;
        }
        account(&samples, &mut sensors[packet.sensor]);
    }
}

fn account(samples: &[i64], sensor: &mut Sensor) {
    let (low, high) = samples
        .iter()
        .fold((i64::MAX, i64::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
    let mean = samples.iter().sum::<i64>() as f64 / samples.len() as f64;
    sensor.packets += 1;
    sensor.spread += high - low;
    sensor.energy += samples.iter().map(|value| (*value as f64 - mean).powi(2)).sum::<f64>().sqrt();
}
