//! Prices offers: each the best of some suppliers'.

use accuracy::{Random, is_fixed, mix};

const ROUNDS: usize = 100;
const OFFERS: usize = 8_000;
const TERMS: u64 = 600;

#[derive(Clone, Copy)]
struct Offer {
    article: u64,
    amount: u64,
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let mut random = Random::new(17);
    let fixed = is_fixed();
    let mut sum = 0;
    for _ in 0..ROUNDS {
        let offers = collect(&mut random);
        let prices = if fixed { price_in_place(&offers) } else { price_in_tasks(&offers).await };
        sum = mix(sum, settle(&offers, &prices));
    }
    println!("{sum:016x}");
}

fn collect(random: &mut Random) -> Vec<Offer> {
    let offer = |_| Offer { article: random.next(), amount: 1 + random.below(50) as u64 };
    (0..OFFERS).map(offer).collect()
}

async fn price_in_tasks(offers: &[Offer]) -> Vec<u64> {
    let mut tasks = Vec::with_capacity(offers.len());
    for offer in offers.iter().copied() {
        // culprit
        tasks.push(tokio::spawn(async move { price(offer) }));
    }
    let mut prices = Vec::with_capacity(tasks.len());
    for task in tasks {
        prices.push(task.await.expect("no task panicked"));
    }
    prices
}

fn price_in_place(offers: &[Offer]) -> Vec<u64> {
    offers.iter().map(|offer| price(*offer)).collect()
}

/// The best of the terms that suppliers have.
fn price(offer: Offer) -> u64 {
    (0..TERMS).map(|term| (mix(offer.article, term) >> 48) * offer.amount).min().unwrap_or(0)
}

/// Sorted by price, then hashed.
fn settle(offers: &[Offer], prices: &[u64]) -> u64 {
    let mut order: Vec<(u64, u64)> =
        prices.iter().zip(offers).map(|(price, offer)| (*price, offer.article)).collect();
    order.sort_unstable();
    order.iter().fold(0, |sum, (price, article)| mix(sum, price ^ article))
}
