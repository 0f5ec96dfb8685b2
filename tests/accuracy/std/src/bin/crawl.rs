//! Follows the links of a made-up site from its front page, each page once.

use std::collections::{HashMap, HashSet};

use accuracy::{Random, is_fixed, mix};

const PAGES: usize = 6_000;
const LINKS: usize = 12;
const BODY: usize = 2_000;

struct Page {
    links: Vec<String>,
    body: String,
}

/// Addresses that were met before.
enum Seen {
    List(Vec<String>),
    Set(HashSet<String>),
}

fn main() {
    let site = publish(&mut Random::new(7));
    let seen = if is_fixed() { Seen::Set(HashSet::new()) } else { Seen::List(Vec::new()) };
    let (pages, sum) = crawl(&site, seen);
    println!("{pages} pages, {sum:016x}");
}

fn publish(random: &mut Random) -> HashMap<String, Page> {
    let words = accuracy::words(random, 300);
    let mut site = HashMap::with_capacity(PAGES);
    for number in 0..PAGES {
        let links = (0..LINKS).map(|_| address(random.below(PAGES))).collect();
        let mut body = String::with_capacity(BODY + 16);
        while body.len() < BODY {
            body.push_str(random.word(&words));
            body.push(' ');
        }
        site.insert(address(number), Page { links, body });
    }
    site
}

fn address(number: usize) -> String {
    format!("/articles/{}/{number}.html", number % 12 + 1)
}

fn crawl(site: &HashMap<String, Page>, mut seen: Seen) -> (usize, u64) {
    let mut open = vec![address(0)];
    let (mut count, mut sum) = (0, 0);
    while let Some(address) = open.pop() {
        let Some(page) = site.get(&address) else { continue };
        count += 1;
        sum = mix(sum, fingerprint(&page.body));
        match &mut seen {
            Seen::List(seen) => follow(page, seen, &mut open),
            Seen::Set(seen) => follow_hashed(page, seen, &mut open),
        }
    }
    (count, sum)
}

fn follow(page: &Page, seen: &mut Vec<String>, open: &mut Vec<String>) {
    for link in &page.links {
        // culprit
        if !seen.contains(link) {
            seen.push(link.clone());
            open.push(link.clone());
        }
    }
}

fn follow_hashed(page: &Page, seen: &mut HashSet<String>, open: &mut Vec<String>) {
    for link in &page.links {
        if !seen.contains(link) {
            seen.insert(link.clone());
            open.push(link.clone());
        }
    }
}

/// The least hash of a run of eight letters, for each of sixteen hashes: pages that are alike
/// share some.
fn fingerprint(body: &str) -> u64 {
    let mut least = [u64::MAX; 16];
    for run in body.as_bytes().windows(8) {
        let hash = run.iter().fold(0, |hash, byte| mix(hash, u64::from(*byte)));
        for (turn, least) in least.iter_mut().enumerate() {
            *least = (*least).min(hash.rotate_left(turn as u32 * 4) ^ (turn as u64) << 60);
        }
    }
    least.into_iter().fold(0, mix)
}
