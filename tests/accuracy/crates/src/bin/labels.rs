//! Prints address labels while orders are priced, all on two threads.

use std::thread;
use std::time::Duration;

use accuracy::{Random, is_fixed, mix, words};
use tokio::sync::mpsc;
use tokio::time::sleep;

const ORDERS: usize = 600;
const PRINTERS: usize = 3;
const FEED: Duration = Duration::from_millis(2);

struct Order {
    id: u64,
    name: String,
    cents: u64,
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let fixed = is_fixed();
    let (mut queues, mut printers) = (Vec::new(), Vec::new());
    for _ in 0..PRINTERS {
        let (sender, receiver) = mpsc::channel(64);
        queues.push(sender);
        printers.push(tokio::spawn(print_all(receiver, fixed)));
    }
    let sold = sell(&queues).await;
    drop(queues);
    let mut sum = sold;
    for printer in printers {
        sum = mix(sum, printer.await.expect("no printer panicked"));
    }
    println!("{sum:016x}");
}

/// Makes up orders and hands their labels out in turn.
async fn sell(queues: &[mpsc::Sender<Order>]) -> u64 {
    let mut random = Random::new(15);
    let names = words(&mut random, 300);
    let mut total = 0;
    for id in 0..ORDERS as u64 {
        let mut order = Order { id, name: random.pick(&names).clone(), cents: 0 };
        order.cents = price(&mut random);
        total = mix(total, order.cents);
        let queue = &queues[id as usize % queues.len()];
        queue.send(order).await.unwrap_or_else(|_| panic!("the printer is on"));
    }
    total
}

/// The least of many offers.
fn price(random: &mut Random) -> u64 {
    (0..60_000).map(|offer| mix(random.next(), offer) >> 40).min().unwrap_or(0)
}

async fn print_all(mut labels: mpsc::Receiver<Order>, fixed: bool) -> u64 {
    let mut sum = 0;
    while let Some(order) = labels.recv().await {
        let label = lay_out(&order);
        if fixed {
            feed_aside(&label).await
        } else {
            feed(&label).await
        }
        sum = mix(sum, label.len() as u64);
    }
    sum
}

fn lay_out(order: &Order) -> String {
    format!("{:>8}\n{}\n{}.{:02}\n", order.id, order.name, order.cents / 100, order.cents % 100)
}

/// The device takes a line of text every two milliseconds or so.
async fn feed(label: &str) {
    for _ in label.lines().skip(2) {
        // culprit
        thread::sleep(FEED);
    }
}

async fn feed_aside(label: &str) {
    for _ in label.lines().skip(2) {
        sleep(FEED).await;
    }
}
