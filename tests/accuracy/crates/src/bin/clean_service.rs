//! Serves requests with what they need asked for at once, over channels with a bound. Nothing in it is worth a
//! change.

use std::time::Duration;

use accuracy::{Random, mix};
use futures::stream::{self, StreamExt};
use tokio::sync::mpsc;
use tokio::time::sleep;

const REQUESTS: u64 = 6_000;
const AT_ONCE: usize = 16;

struct Request {
    user: u64,
    article: u64,
}

struct Answer {
    stock: u64,
    price: u64,
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let (sender, receiver) = mpsc::channel(AT_ONCE);
    let visitors = tokio::spawn(visit(sender));
    let sum = serve(receiver).await;
    visitors.await.expect("no visitor panicked");
    println!("{sum:016x}");
}

async fn visit(requests: mpsc::Sender<Request>) {
    let mut random = Random::new(32);
    for user in 0..REQUESTS {
        let request = Request { user, article: random.next() >> 44 };
        requests.send(request).await.unwrap_or_else(|_| panic!("the service is up"));
    }
}

async fn serve(requests: mpsc::Receiver<Request>) -> u64 {
    stream::unfold(requests, |mut requests| async {
        requests.recv().await.map(|request| (request, requests))
    })
    .map(handle)
    .buffer_unordered(AT_ONCE)
    .fold(0, async |sum: u64, page| sum.wrapping_add(page))
    .await
}

async fn handle(request: Request) -> u64 {
    let (stock, price) = tokio::join!(stock(request.article), price(request.user, request.article));
    render(&request, &Answer { stock, price })
}

async fn stock(article: u64) -> u64 {
    sleep(Duration::from_millis(2)).await;
    mix(7, article)
}

async fn price(user: u64, article: u64) -> u64 {
    sleep(Duration::from_millis(2)).await;
    mix(user, article)
}

/// The page's checksum.
fn render(request: &Request, answer: &Answer) -> u64 {
    let mut sum = mix(request.user, answer.stock);
    for row in 0..60_000 {
        sum = mix(sum, answer.price + row);
    }
    sum
}
