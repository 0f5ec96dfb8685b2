//! The list of expression and await sites, one row per concrete type.

use hotpath_runtime_syntax::Kind;

use crate::facts::{Facts, FunctionFacts, SiteFacts};
use crate::impact::span_ns;
use crate::schema::{Sampled, Site};

/// Sites by (site, type), most self time first.
pub(super) fn sites(facts: &Facts) -> Vec<Site> {
    let mut sites: Vec<Site> = facts
        .functions
        .iter()
        .flat_map(|function| function.sites.iter().map(|site| row(facts, function, site)))
        .collect();
    sites.sort_by(|a, b| {
        b.self_ns
            .cmp(&a.self_ns)
            .then_with(|| b.count.cmp(&a.count))
            .then_with(|| (&a.id, &a.type_name).cmp(&(&b.id, &b.type_name)))
    });
    sites
}

fn row(facts: &Facts, function: &FunctionFacts, site: &SiteFacts) -> Site {
    let allocated = |figure: u64| facts.allocations_measured.then_some(figure);
    Site {
        id: format!("{}:{}:{}", function.id, site.kind, site.index),
        function: function.id.clone(),
        kind: site.kind.name().to_owned(),
        file: function.file.clone(),
        line: site.line,
        column: site.column,
        from_macro: function.from_macro,
        text: site.label.clone(),
        type_name: site.type_name.clone(),
        count: site.count,
        self_ns: span_ns(site, &facts.probes).map(|ns| ns.round() as u64),
        wait_ns: match site.kind {
            Kind::Await => site.awaits.map(|awaits| awaits.wait_ns),
            _ => None,
        },
        allocs: allocated(site.allocs.count),
        alloc_bytes: allocated(site.allocs.bytes),
        reallocs: allocated(site.allocs.reallocs),
        realloc_bytes: allocated(site.allocs.moved_bytes),
        loop_depth: site.source.as_ref().map(|source| source.loop_depth),
        sampled: sampled(site),
    }
}

/// How thinned out the timing was. The spread of a site's spans isn't kept, so the error is the
/// most that values between 0 and the longest can have at this mean (Bhatia-Davis).
fn sampled(site: &SiteFacts) -> Option<Sampled> {
    if site.timed == 0 || site.timed >= site.count {
        return None;
    }
    let (timed, count) = (site.timed as f64, site.count as f64);
    let mean = site.self_ns as f64 / count;
    let spread = if mean > 0.0 { (site.max_ns as f64 / mean - 1.0).max(0.0) } else { 0.0 };
    Some(Sampled {
        period: count / timed,
        relative_error: (spread / timed * (1.0 - timed / count)).sqrt(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{hot, run};

    #[test]
    fn kinds_that_are_only_counted_have_no_time() {
        let site = SiteFacts { timed: 0, self_ns: 0, ..hot(Kind::Grow, "v.push(..)", "Vec") };
        let rows = sites(&run(vec![site]));
        assert_eq!((rows[0].self_ns, rows[0].wait_ns, rows[0].count), (None, None, 1_000_000));
    }

    #[test]
    fn the_probe_is_not_in_a_site() {
        let mut facts = run(vec![hot(Kind::Clone, "x.clone()", "T")]);
        facts.probes.inside_ns = 100.0;
        assert_eq!(sites(&facts)[0].self_ns, Some(300_000_000));
    }

    #[test]
    fn a_sample_says_how_far_it_can_be_off() {
        let site = SiteFacts { timed: 10_000, ..hot(Kind::Clone, "x.clone()", "T") };
        let sampled = sampled(&site).expect("one in a hundred");
        assert!((sampled.period - 100.0).abs() < 1e-9);
        // Mean 400 ns, longest 10 µs.
        assert!((sampled.relative_error - (24.0 / 10_000.0 * 0.99_f64).sqrt()).abs() < 1e-9);
    }
}
