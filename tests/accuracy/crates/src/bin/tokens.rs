//! Requests of several tenants need an access token, which is fetched when the old one is used up.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use accuracy::{Random, is_fixed, mix};
use tokio::sync::Mutex;
use tokio::time::sleep;

const TENANTS: u64 = 12;
const REQUESTS: usize = 60;
const USES: u32 = 5;

#[derive(Clone, Copy)]
struct Token {
    secret: u64,
    uses_left: u32,
}

#[derive(Default)]
struct Tokens {
    by_tenant: Mutex<HashMap<u64, Token>>,
}

impl Tokens {
    async fn secret(&self, tenant: u64) -> u64 {
        // culprit
        let mut tokens = self.by_tenant.lock().await;
        if let Some(secret) = take(&mut tokens, tenant) {
            return secret;
        }
        let token = fetch(tenant).await;
        tokens.insert(tenant, token);
        token.secret
    }

    async fn secret_unlocked(&self, tenant: u64) -> u64 {
        if let Some(secret) = take(&mut *self.by_tenant.lock().await, tenant) {
            return secret;
        }
        let token = fetch(tenant).await;
        self.by_tenant.lock().await.insert(tenant, token);
        token.secret
    }
}

/// Uses a token, if there is one with uses left.
fn take(tokens: &mut HashMap<u64, Token>, tenant: u64) -> Option<u64> {
    let token = tokens.get_mut(&tenant).filter(|token| token.uses_left > 0)?;
    token.uses_left -= 1;
    Some(token.secret)
}

/// A new token, from the other side of a network.
async fn fetch(tenant: u64) -> Token {
    sleep(Duration::from_millis(8)).await;
    Token { secret: mix(42, tenant), uses_left: USES - 1 }
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let tokens = Arc::new(Tokens::default());
    let fixed = is_fixed();
    let work = |tenant| tokio::spawn(serve(Arc::clone(&tokens), tenant, fixed));
    let mut sum = 0;
    for tenant in (0..TENANTS).map(work).collect::<Vec<_>>() {
        sum = mix(sum, tenant.await.expect("no tenant panicked"));
    }
    println!("{sum:016x}");
}

async fn serve(tokens: Arc<Tokens>, tenant: u64, fixed: bool) -> u64 {
    let mut random = Random::new(tenant);
    let mut sum = 0;
    for _ in 0..REQUESTS {
        let secret =
            if fixed { tokens.secret_unlocked(tenant).await } else { tokens.secret(tenant).await };
        let body = answer(random.next(), secret).await;
        sum = mix(sum, sign(&body, secret));
    }
    sum
}

/// What the service answers, after a while.
async fn answer(request: u64, secret: u64) -> Vec<u8> {
    sleep(Duration::from_millis(2)).await;
    (0..2_000).map(|byte| mix(request ^ secret, byte) as u8).collect()
}

fn sign(body: &[u8], secret: u64) -> u64 {
    body.iter().fold(secret, |sum, byte| mix(sum, u64::from(*byte)))
}
