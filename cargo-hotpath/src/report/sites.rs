//! The list of expression and await sites, one row per concrete type.

use hotpath_runtime_syntax::Kind;

use crate::facts::{Facts, FunctionFacts, SiteFacts};
use crate::impact::{hold_ns, span_ns};
use crate::profile::ProbeCosts;
use crate::report::functions::relative;
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
        hold_ns: hold_ns(site, &facts.probes).map(|ns| ns.round() as u64),
        allocs: allocated(site.allocs.count),
        alloc_bytes: allocated(site.allocs.bytes),
        reallocs: allocated(site.allocs.reallocs),
        realloc_bytes: allocated(site.allocs.moved_bytes),
        loop_depth: site.source.as_ref().map(|source| source.loop_depth),
        sampled: sampled(site, &facts.probes),
    }
}

/// How thinned out the timing was.
fn sampled(site: &SiteFacts, probes: &ProbeCosts) -> Option<Sampled> {
    if site.timed == 0 || site.timed >= site.count {
        return None;
    }
    Some(Sampled {
        period: site.count as f64 / site.timed as f64,
        relative_error: relative(site.error_ns, span_ns(site, probes)?.round() as u64),
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
        let hot = hot(Kind::Clone, "x.clone()", "T");
        let site = SiteFacts {
            timed: 10_000,
            error_ns: 4_000_000.0,
            self_ns: 300_000_000,
            hidden_ns: 100e6,
            ..hot
        };
        let sampled = sampled(&site, &ProbeCosts::default()).expect("one in a hundred");
        assert!((sampled.period - 100.0).abs() < 1e-9);
        assert!((sampled.relative_error - 0.01).abs() < 1e-9, "of 400 ms");
        let nothing = SiteFacts { self_ns: 0, hidden_ns: 0.0, ..site };
        let sampled = super::sampled(&nothing, &ProbeCosts::default()).expect("likewise");
        assert!((sampled.relative_error - 1.0).abs() < 1e-9, "that is not exact");
    }
}
