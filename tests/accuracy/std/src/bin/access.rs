//! Decides on requests by a list of rules: the first that fits counts.

use accuracy::{Random, is_fixed, mix, words};

const RULES: usize = 40;
const REQUESTS: usize = 1_500_000;

struct Rule {
    role: String,
    prefix: String,
    allow: bool,
}

struct Request<'w> {
    role: &'w str,
    path: String,
}

fn main() {
    let mut random = Random::new(20);
    let words = words(&mut random, 60);
    let rules = rules(&mut random, &words);
    let fixed = is_fixed();
    let (mut allowed, mut sum) = (0, 0);
    for _ in 0..REQUESTS {
        let request = arrive(&mut random, &words);
        let decision =
            if fixed { decide_borrowed(&rules, &request) } else { decide(&rules, &request) };
        allowed += usize::from(decision);
        sum = mix(sum, fingerprint(&request.path));
    }
    println!("{allowed} allowed, {sum:016x}");
}

fn rules(random: &mut Random, words: &[String]) -> Vec<Rule> {
    (0..RULES)
        .map(|_| Rule {
            role: random.pick(words).clone(),
            prefix: random.pick(words).clone(),
            allow: random.below(2) == 0,
        })
        .collect()
}

fn arrive<'w>(random: &mut Random, words: &'w [String]) -> Request<'w> {
    let role = random.pick(words);
    let mut path = String::with_capacity(64);
    for _ in 0..4 {
        path.push('/');
        path.push_str(random.word(words));
    }
    Request { role, path }
}

fn decide(rules: &[Rule], request: &Request<'_>) -> bool {
    for rule in rules {
        // culprit
        if rule.role == request.role.to_string() {
            return rule.allow;
        }
        if is_below(&request.path, &rule.prefix) {
            return rule.allow;
        }
    }
    false
}

fn decide_borrowed(rules: &[Rule], request: &Request<'_>) -> bool {
    for rule in rules {
        if rule.role == request.role {
            return rule.allow;
        }
        if is_below(&request.path, &rule.prefix) {
            return rule.allow;
        }
    }
    false
}

fn is_below(path: &str, prefix: &str) -> bool {
    path[1..].strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'))
}

fn fingerprint(path: &str) -> u64 {
    path.as_bytes()
        .windows(4)
        .fold(0, |sum, run| mix(sum, run.iter().map(|it| u64::from(*it)).sum()))
}
