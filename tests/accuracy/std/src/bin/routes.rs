//! Assigns requests to handlers by the first part of their path, and adds up bytes per handler.

use std::collections::HashMap;

use accuracy::{Random, access_log, is_fixed, mix};

const LINES: usize = 150_000;
const ROUNDS: usize = 20;

struct Request<'l> {
    service: &'l str,
    id: u64,
    bytes: u64,
}

fn main() {
    let log = access_log(&mut Random::new(6), LINES);
    let handlers = handlers(&log);
    let fixed = is_fixed();
    let mut totals = vec![0; handlers.len()];
    for _ in 0..ROUNDS {
        if fixed {
            route_borrowed(&log, &handlers, &mut totals)
        } else {
            route(&log, &handlers, &mut totals)
        }
    }
    println!("{:016x}", totals.iter().fold(0, |sum, total| mix(sum, *total)));
}

/// A handler for every second service.
fn handlers(log: &str) -> HashMap<String, usize> {
    let mut services: Vec<&str> = log.lines().filter_map(parse).map(|it| it.service).collect();
    services.sort_unstable();
    services.dedup();
    let even = services.into_iter().step_by(2).enumerate();
    even.map(|(handler, service)| (service.to_owned(), handler)).collect()
}

/// The request of a line; none where it can't be read.
fn parse(line: &str) -> Option<Request<'_>> {
    let mut fields = line.split(' ');
    let target = fields.nth(3)?;
    let (path, query) = target.split_once('?')?;
    let service = path.strip_prefix('/')?.split('/').next()?;
    let id = query.strip_prefix("id=")?.parse().ok()?;
    let bytes = fields.nth(1)?.parse().ok()?;
    Some(Request { service, id, bytes })
}

fn route(log: &str, handlers: &HashMap<String, usize>, totals: &mut [u64]) {
    for line in log.lines() {
        let Some(request) = parse(line) else { continue };
        // culprit
        if let Some(handler) = handlers.get(&request.service.to_string()) {
            totals[*handler] += cost(&request);
        }
    }
}

fn route_borrowed(log: &str, handlers: &HashMap<String, usize>, totals: &mut [u64]) {
    for line in log.lines() {
        let Some(request) = parse(line) else { continue };
        if let Some(handler) = handlers.get(request.service) {
            totals[*handler] += cost(&request);
        }
    }
}

/// Bytes, and what the row itself takes.
fn cost(request: &Request<'_>) -> u64 {
    request.bytes + 16 * u64::from(request.id.max(1).ilog2())
}
