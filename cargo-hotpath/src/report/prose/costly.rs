//! The smallest set of sites that makes most of the sites' time.

use super::{Block, Table, count_or_dash};
use crate::schema::{Report, Site};
use crate::units;

/// Share of the sites' time that the named sites make up.
const MOST_PCT: f64 = 80.0;

/// Sites named at most.
const MOST_SITES: usize = 8;

pub(super) fn group(report: &Report) -> Option<Vec<Block<'static>>> {
    let all: u64 = report.sites.iter().filter_map(|site| site.self_ns).sum();
    if all == 0 {
        return None;
    }
    let mut set: Vec<&Site> = Vec::new();
    let mut sum = 0;
    // Sorted by time, so the first that reach the share are the fewest that do.
    for site in &report.sites {
        if 100.0 * sum as f64 >= MOST_PCT * all as f64 {
            break;
        }
        sum += site.self_ns.unwrap_or(0);
        set.push(site);
    }
    let heading = format!(
        "{} of {} measured {} {} of the time in sites ({}):",
        units::counted(set.len() as u64, "site"),
        units::count(report.sites.len() as u64),
        if set.len() == 1 { "makes" } else { "make" },
        units::percent(100.0 * sum as f64 / all as f64),
        units::time(all as f64)
    );
    let shown = || set.iter().take(MOST_SITES);
    let table = Table {
        header: &["self", "count", "allocs", "site"],
        rows: shown().map(|site| row(site)).collect(),
    };
    let sampled = shown().any(|site| site.sampled.is_some());
    let sampled = sampled.then(|| "~ scaled from a sample of its executions".to_owned());
    let left = set.len().saturating_sub(MOST_SITES);
    let more = (left > 0).then(|| format!("and {left} more, --format json lists all"));
    let notes = [sampled, more].into_iter().flatten().map(Block::Text);
    Some([Block::Text(heading), Block::Table(table)].into_iter().chain(notes).collect())
}

fn row(site: &Site) -> Vec<String> {
    let about = if site.sampled.is_some() { "~" } else { "" };
    vec![
        format!("{about}{}", units::time(site.self_ns.unwrap_or(0) as f64)),
        units::count(site.count),
        count_or_dash(site.allocs),
        format!("{}:{}: {}", site.file, site.line, site.text),
    ]
}
