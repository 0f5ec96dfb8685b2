//! Reads events faster than they can be stored.

use std::fs;

use accuracy::{Random, is_fixed, mix};
use tokio::sync::mpsc;

const EVENTS: usize = 120_000;
const BYTES: usize = 2_048;

struct Event {
    id: u64,
    body: Vec<u8>,
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let sum = if is_fixed() {
        let (sender, mut receiver) = mpsc::channel(256);
        let reader = tokio::spawn(async move {
            let mut random = Random::new(16);
            for id in 0..EVENTS as u64 {
                let event = read(&mut random, id);
                sender.send(event).await.unwrap_or_else(|_| panic!("the store is open"));
            }
        });
        let mut sum = 0;
        while let Some(event) = receiver.recv().await {
            sum = mix(sum, store(&event));
        }
        reader.await.expect("the reader doesn't panic");
        sum
    } else {
        // culprit
        let (sender, receiver) = mpsc::unbounded_channel();
        let reader = tokio::spawn(read_all(sender));
        let sum = store_all(receiver).await;
        reader.await.expect("the reader doesn't panic");
        sum
    };
    println!("{sum:016x}");
    println!("peak: {} KiB", peak_kib());
}

async fn read_all(sender: mpsc::UnboundedSender<Event>) {
    let mut random = Random::new(16);
    for id in 0..EVENTS as u64 {
        let event = read(&mut random, id);
        sender.send(event).unwrap_or_else(|_| panic!("the store is open"));
    }
}

async fn store_all(mut receiver: mpsc::UnboundedReceiver<Event>) -> u64 {
    let mut sum = 0;
    while let Some(event) = receiver.recv().await {
        sum = mix(sum, store(&event));
    }
    sum
}

fn read(random: &mut Random, id: u64) -> Event {
    let mut body = Vec::with_capacity(BYTES);
    while body.len() < BYTES {
        body.extend_from_slice(&random.next().to_le_bytes());
    }
    Event { id, body }
}

/// Three checksums, as a store that trusts nobody makes them.
fn store(event: &Event) -> u64 {
    let one = event.body.iter().fold(event.id, |sum, byte| mix(sum, u64::from(*byte)));
    let two = event.body.iter().rev().fold(one, |sum, byte| mix(sum, u64::from(*byte)));
    event.body.iter().step_by(2).fold(two, |sum, byte| mix(sum, u64::from(*byte)))
}

/// What was resident at most, as Linux says; 0 elsewhere.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
