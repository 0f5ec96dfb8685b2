//! Groups messages into batches and numbers them.

use accuracy::{Random, is_fixed, mix, words};

const MESSAGES: usize = 2_000_000;
const BATCH: usize = 500;

#[derive(Clone)]
struct Message {
    sender: String,
    text: String,
    labels: Vec<u32>,
}

struct Entry {
    number: u64,
    message: Message,
}

fn main() {
    let mut random = Random::new(21);
    let names = words(&mut random, 400);
    let fixed = is_fixed();
    let (mut batch, mut sum) = (Vec::with_capacity(BATCH), 0);
    for number in 0..MESSAGES as u64 {
        let message = receive(&mut random, &names);
        if fixed {
            append(&mut batch, number, message)
        } else {
            keep(&mut batch, number, message)
        }
        if batch.len() == BATCH {
            sum = mix(sum, flush(&batch));
            batch.clear();
        }
    }
    println!("{sum:016x}");
}

fn receive(random: &mut Random, names: &[String]) -> Message {
    let mut text = String::with_capacity(80);
    for _ in 0..8 {
        text.push_str(random.word(names));
        text.push(' ');
    }
    let labels = (0..4).map(|_| random.below(100) as u32).collect();
    Message { sender: random.pick(names).clone(), text, labels }
}

fn keep(batch: &mut Vec<Entry>, number: u64, message: Message) {
    // culprit
    batch.push(Entry { number, message: message.clone() });
}

fn append(batch: &mut Vec<Entry>, number: u64, message: Message) {
    batch.push(Entry { number, message });
}

fn flush(batch: &[Entry]) -> u64 {
    let mut sum = 0;
    for Entry { number, message } in batch {
        sum = mix(sum, *number + message.sender.len() as u64);
        sum = message.text.bytes().fold(sum, |sum, byte| mix(sum, u64::from(byte)));
        sum = message.labels.iter().fold(sum, |sum, label| mix(sum, u64::from(*label)));
    }
    sum
}
