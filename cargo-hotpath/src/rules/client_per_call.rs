//! `client-per-call`: a client, pool or runtime that is made again and again.

use hotpath_runtime_syntax::Kind;

use crate::facts::{Facts, SiteFacts};
use crate::impact::Saved;
use crate::rules::site::{Site, sites};
use crate::rules::{Candidate, Explain, Gain, Home, Meta, Rule, Threshold, Thresholds, types};
use crate::schema::{Category, Confidence, Effort};
use crate::units;

/// Times from which it is made again and again.
const MIN_MADE: Threshold =
    Threshold::new("min_made", 10.0, "times that it was made, from which one would do");

/// Crates whose clients keep connections, threads or a configuration for all calls.
const CRATES: &[&str] = &[
    "async_nats",
    "aws_sdk_s3",
    "bb8",
    "deadpool",
    "hyper",
    "hyper_util",
    "lettre",
    "mongodb",
    "mysql",
    "mysql_async",
    "postgres",
    "r2d2",
    "redis",
    "reqwest",
    "rusqlite",
    "sea_orm",
    "sqlx",
    "sqlx_core",
    "tokio",
    "tokio_postgres",
    "ureq",
];

/// The rule.
pub(super) struct ClientPerCall;

static META: Meta = Meta {
    id: "client-per-call",
    summary: "a client, pool or runtime is made again and again",
    category: Category::Caching,
    effort: Effort::Signature,
    evidence: "time and count of `Client::new`, `Connection::open`, `Runtime::new` and the like; their type is of a known client's crate",
    thresholds: &[MIN_MADE],
    docs: "https://docs.rs/reqwest/latest/reqwest/struct.Client.html",
    explain: Explain {
        means: "A client reads certificates, starts threads or opens connections when it is made, and keeps connections for the\n\
                next call. One for each call pays all of that every time, and the handshakes too.",
        found: "Calls that make one are counted and timed; the type says which crate it is from.",
        not_when: "Each has a configuration of its own (one for each tenant): keep them by that.",
        before: "async fn page(id: u32) -> Result<String, Error> {\n    Client::new().get(url(id)).send().await?.text().await\n}",
        after: "async fn page(client: &Client, id: u32) -> Result<String, Error> {\n    client.get(url(id)).send().await?.text().await\n}",
    },
};

impl Rule for ClientPerCall {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        let found = sites(facts, thresholds, &[Kind::Connect], is_client);
        found.iter().filter(|site| site.ran(&MIN_MADE)).filter_map(candidate).collect()
    }
}

fn is_client(row: &SiteFacts) -> bool {
    let name = row.type_name.as_deref().unwrap_or("");
    let inner = name.strip_prefix("core::result::Result<").unwrap_or(name);
    matches!(types::crate_of(inner), Home::Crate(home) if CRATES.contains(&home))
}

fn candidate(site: &Site<'_>) -> Option<Candidate> {
    let (ns, count) = (site.ns()?, site.count() as f64);
    let saved = (count - 1.0) / count * ns;
    let (allocs, alloc_bytes) = site.gone_allocs();
    Some(Candidate {
        anchor: Some(site.anchor()),
        title: format!("{} made {}", site.short_type(), units::counted(site.count(), "time")),
        problem: format!("{}. One serves all calls.", site.measured()),
        solution: "Make it once, and hand it on.".to_owned(),
        steps: vec![
            "Make it where the program starts, and pass `&` or a clone (most are handles) to where it is used.".to_owned(),
            "Where nothing can be passed: a `static` with `std::sync::LazyLock` or `tokio::sync::OnceCell`.".to_owned(),
        ],
        tradeoffs: "Connections stay open, and settings are the same for all calls.".to_owned(),
        confidence: Confidence::High,
        effort: META.effort,
        gain: Some(Gain {
            claims: vec![site.claim(Saved::new(0.8 * saved, saved, saved + site.frees_ns()))],
            allocs,
            alloc_bytes,
            basis: format!(
                "(n - 1)/n of {} for n = {} (high with frees; handshakes that go as well are not in it)",
                units::time(ns),
                units::count(site.count())
            ),
        }),
        fix: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{best_ns, check, hot};

    fn made(count: u64, type_name: &str) -> SiteFacts {
        SiteFacts { count, timed: count, ..hot(Kind::Connect, "Client::new()", type_name) }
    }

    #[test]
    fn fires_on_clients_that_are_made_again() {
        let found = check(&ClientPerCall, made(100, "reqwest::async_impl::client::Client"));
        assert_eq!(found[0].title, "`Client` made 100 times");
        assert_eq!(best_ns(&found[0]), Some(0.99 * 400e6));
        let fallible = "core::result::Result<rusqlite::Connection, rusqlite::error::Error>";
        assert_eq!(check(&ClientPerCall, made(100, fallible)).len(), 1);
    }

    #[test]
    fn silent_on_a_few_and_on_other_types() {
        assert!(check(&ClientPerCall, made(3, "reqwest::async_impl::client::Client")).is_empty());
        assert!(check(&ClientPerCall, made(100, "app::Client")).is_empty());
        assert!(check(&ClientPerCall, made(100, "core::result::Result<app::Pool, E>")).is_empty());
    }
}
