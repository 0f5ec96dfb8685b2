//! A synchronous program that asks an async library, by a runtime for each question.

use std::time::Duration;

use accuracy::{Random, is_fixed, mix};
use tokio::runtime::Runtime;
use tokio::time::sleep;

const QUESTIONS: usize = 800;

/// The library's client.
struct Client {
    region: u64,
}

impl Client {
    async fn ask(&self, question: u64) -> u64 {
        sleep(Duration::from_micros(100)).await;
        mix(self.region, question)
    }
}

/// What the rest of the program calls.
struct Gateway {
    client: Client,
}

impl Gateway {
    fn ask(&self, question: u64) -> u64 {
        // culprit
        let runtime = Runtime::new().expect("threads can be started");
        runtime.block_on(self.client.ask(question))
    }

    fn ask_on(&self, runtime: &Runtime, question: u64) -> u64 {
        runtime.block_on(self.client.ask(question))
    }
}

fn main() {
    let gateway = Gateway { client: Client { region: 3 } };
    let runtime = is_fixed().then(|| Runtime::new().expect("threads can be started"));
    let mut random = Random::new(18);
    let mut sum = 0;
    for _ in 0..QUESTIONS {
        let question = prepare(&mut random);
        let answer = match &runtime {
            Some(runtime) => gateway.ask_on(runtime, question),
            None => gateway.ask(question),
        };
        sum = mix(sum, digest(answer));
    }
    println!("{sum:016x}");
}

/// A question that hasn't been asked, found by trying.
fn prepare(random: &mut Random) -> u64 {
    loop {
        let question = random.next();
        if question.trailing_zeros() >= 14 {
            return question;
        }
    }
}

fn digest(answer: u64) -> u64 {
    (0..40_000).fold(answer, mix)
}
