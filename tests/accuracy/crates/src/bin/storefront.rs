//! Serves product pages, each of which is put together from three services.

use std::fmt::Write;
use std::time::Duration;

use accuracy::{Random, is_fixed, mix};
use tokio::time::sleep;

const PAGES: usize = 320;
const AT_ONCE: usize = 8;

/// A service on the other side of a network.
struct Service {
    latency: Duration,
    salt: u64,
}

impl Service {
    async fn ask(&self, product: u64) -> u64 {
        sleep(self.latency + Duration::from_micros(product % 900)).await;
        mix(self.salt, product)
    }
}

struct Shop {
    stock: Service,
    prices: Service,
    reviews: Service,
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let service = |millis, salt| Service { latency: Duration::from_millis(millis), salt };
    let shop: &'static Shop = Box::leak(Box::new(Shop {
        stock: service(6, 1),
        prices: service(9, 2),
        reviews: service(12, 3),
    }));
    let fixed = is_fixed();
    let lanes = (0..AT_ONCE).map(|lane| tokio::spawn(serve(shop, lane as u64, fixed)));
    let mut sum = 0;
    for lane in lanes.collect::<Vec<_>>() {
        sum = mix(sum, lane.await.expect("no lane panicked"));
    }
    println!("{sum:016x}");
}

/// One visitor after the other.
async fn serve(shop: &'static Shop, lane: u64, fixed: bool) -> u64 {
    let mut random = Random::new(lane);
    let mut sum = 0;
    for _ in 0..PAGES / AT_ONCE {
        let product = random.next() >> 40;
        let page = if fixed { page_joined(shop, product).await } else { page(shop, product).await };
        sum = mix(sum, page);
    }
    sum
}

async fn page(shop: &Shop, product: u64) -> u64 {
    // culprit
    let stock = shop.stock.ask(product).await;
    // culprit
    let price = shop.prices.ask(product).await;
    // culprit
    let reviews = shop.reviews.ask(product).await;
    render(stock, price, reviews)
}

async fn page_joined(shop: &Shop, product: u64) -> u64 {
    let (stock, price, reviews) =
        tokio::join!(shop.stock.ask(product), shop.prices.ask(product), shop.reviews.ask(product));
    render(stock, price, reviews)
}

/// A page's bytes, as a checksum.
fn render(stock: u64, price: u64, reviews: u64) -> u64 {
    let mut page = String::with_capacity(16 * 1024);
    for row in 0..400 {
        let _ = writeln!(page, "<li>{}</li>", mix(stock ^ price, reviews + row));
    }
    page.bytes().fold(0, |sum, byte| mix(sum, u64::from(byte)))
}
