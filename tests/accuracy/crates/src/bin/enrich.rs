//! Looks up where the visitors of an access log come from, at a service that takes its time.

use std::collections::BTreeMap;
use std::time::Duration;

use accuracy::{Random, access_log, is_fixed, mix};
use futures::stream::{self, StreamExt};
use tokio::sync::Semaphore;
use tokio::time::sleep;

const LINES: usize = 120_000;
const VISITORS: usize = 240;

/// Answers eight requests at once; others queue.
struct Registry {
    lanes: Semaphore,
}

impl Registry {
    async fn country(&self, address: &str) -> u16 {
        let _lane = self.lanes.acquire().await.expect("the registry is open");
        sleep(Duration::from_millis(3)).await;
        (address.bytes().fold(0, |sum, byte| mix(sum, u64::from(byte))) % 200) as u16
    }
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let log = access_log(&mut Random::new(14), LINES);
    let registry = Registry { lanes: Semaphore::new(8) };
    let visitors = visitors(&log);
    let busiest = busiest(&visitors);
    let countries = if is_fixed() {
        look_up_at_once(&registry, &busiest).await
    } else {
        look_up(&registry, &busiest).await
    };
    let mut totals = BTreeMap::new();
    for ((_, bytes), country) in busiest.iter().zip(countries) {
        *totals.entry(country).or_insert(0) += bytes;
    }
    let sum = totals.iter().fold(0, |sum, (country, bytes)| mix(sum, bytes + u64::from(*country)));
    println!("{} countries, {sum:016x}", totals.len());
}

/// Bytes by address.
fn visitors(log: &str) -> BTreeMap<&str, u64> {
    let mut visitors = BTreeMap::new();
    for line in log.lines() {
        let mut fields = line.split(' ');
        let (Some(address), Some(bytes)) = (fields.next(), fields.nth(4)) else { continue };
        *visitors.entry(address).or_insert(0) += bytes.parse().unwrap_or(0);
    }
    visitors
}

fn busiest<'l>(visitors: &BTreeMap<&'l str, u64>) -> Vec<(&'l str, u64)> {
    let mut all: Vec<_> = visitors.iter().map(|(address, bytes)| (*address, *bytes)).collect();
    all.sort_by_key(|(address, bytes)| (std::cmp::Reverse(*bytes), *address));
    all.truncate(VISITORS);
    all
}

async fn look_up(registry: &Registry, visitors: &[(&str, u64)]) -> Vec<u16> {
    let mut countries = Vec::with_capacity(visitors.len());
    for (address, _) in visitors {
        // culprit
        countries.push(registry.country(address).await);
    }
    countries
}

async fn look_up_at_once(registry: &Registry, visitors: &[(&str, u64)]) -> Vec<u16> {
    stream::iter(visitors).map(|(address, _)| registry.country(address)).buffered(8).collect().await
}
