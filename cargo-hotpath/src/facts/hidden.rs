//! What of short expressions hid behind the clock.
//!
//! Some processors go on with the work before a reading of the clock while they read. An expression of
//! 10 ns reads as 0 to 4 there; the rest counts as that of what is around it: of the function, or of the
//! expression that it is an argument in.

use super::{FunctionFacts, SiteFacts};
use crate::profile::ProbeCosts;

/// Part of what may hide that an execution likely took which reads as nothing: it may be anything up to
/// that, and little is commoner. Of work of 0.6 to 8 ns, all of which read 0 on a processor that hides
/// 6 to 10 ns, a third is in the middle.
const OF_NOTHING: f64 = 1.0 / 3.0;

impl SiteFacts {
    /// What was read of its executions, without the part of the probe that each span includes; `None`
    /// when none was timed.
    pub fn read_ns(&self, probes: &ProbeCosts) -> Option<f64> {
        let inside = if probes.expression_inside_ns > 0.0 {
            probes.expression_inside_ns
        } else {
            probes.inside_ns
        };
        (self.timed > 0).then(|| (self.self_ns as f64 - inside * self.timed as f64).max(0.0))
    }

    /// Whether the other is in an argument of this call: what it hides then counts in the time of this one.
    fn takes(&self, other: &Self) -> bool {
        let (Some(own), Some(others)) = (&self.source, &other.source) else { return false };
        let (own, start) = (own.span, (others.span.line, others.span.column));
        let is_inside =
            own.byte_start <= others.span.byte_start && others.span.byte_end <= own.byte_end;
        // Its receiver's time is none of its own.
        self.index != other.index && is_inside && start > (self.line, self.column)
    }
}

/// Fills in [`SiteFacts::hidden_ns`]: as much as the function's own time leaves room for.
pub(super) fn add(function: &mut FunctionFacts, probes: &ProbeCosts) {
    let each = probes.hidden_ns.min(probes.inside_ns);
    if each <= 0.0 {
        return;
    }
    for site in &mut function.sites {
        if let Some(read) = site.read_ns(probes) {
            site.hidden_ns = likely(read, each * site.count as f64);
        }
    }
    bound(function, each);
    move_from_outer(&mut function.sites, probes);
}

/// Of executions that read so much, all of which may hide so much: what reads as nothing was likely less
/// than what may hide.
fn likely(read_ns: f64, all: f64) -> f64 {
    all.min(OF_NOTHING * all + read_ns)
}

/// It is in the function's own time, but for what hides behind the end of each of its calls.
fn bound(function: &mut FunctionFacts, each: f64) {
    let read: f64 = function.sites.iter().map(|site| site.self_ns as f64).sum();
    let hidden: f64 = function.sites.iter().map(|site| site.hidden_ns).sum();
    let room = (function.self_ns as f64 - read).max(0.0) + each * function.calls as f64;
    if hidden > room {
        for site in &mut function.sites {
            site.hidden_ns *= room / hidden;
        }
    }
}

/// Takes what hides of an argument off the call whose time it is in.
fn move_from_outer(sites: &mut [SiteFacts], probes: &ProbeCosts) {
    let hidden: Vec<f64> = sites.iter().map(|site| site.hidden_ns).collect();
    for (inner, ns) in hidden.into_iter().enumerate().filter(|(_, ns)| *ns > 0.0) {
        let width =
            |site: &SiteFacts| site.source.as_ref().map(|it| it.span.byte_end - it.span.byte_start);
        let around = sites.iter().filter(|site| site.timed > 0 && site.takes(&sites[inner]));
        let Some(outer) = around.min_by_key(|site| width(site)).map(|site| site.index) else {
            continue;
        };
        let rows = || sites.iter().filter(|site| site.index == outer);
        let count: u64 = rows().map(|row| row.count).sum();
        for row in sites.iter_mut().filter(|row| row.index == outer) {
            let share = ns * row.count as f64 / count.max(1) as f64;
            let read = row.read_ns(probes).unwrap_or_default();
            row.hidden_ns = (row.hidden_ns - share).max(-read);
        }
    }
}

#[cfg(test)]
mod tests {
    use hotpath_runtime_syntax::Kind;

    use super::*;
    use crate::facts::{SiteSource, Span};
    use crate::rules::testing::hot;

    fn probes() -> ProbeCosts {
        ProbeCosts { inside_ns: 10.0, hidden_ns: 6.0, ..ProbeCosts::default() }
    }

    /// A thousand executions, one in a hundred of which was timed, that read so much each.
    fn site(index: usize, each: u64) -> SiteFacts {
        SiteFacts {
            index,
            count: 1_000,
            timed: 10,
            self_ns: 1_000 * each + 100,
            source: None,
            ..hot(Kind::Lookup, "seen.get(&key)", "HashMap<u64, u32>")
        }
    }

    fn hidden(sites: Vec<SiteFacts>, self_ns: u64, calls: u64) -> Vec<i64> {
        let mut function = FunctionFacts { calls, self_ns, sites, ..FunctionFacts::default() };
        add(&mut function, &probes());
        function.sites.iter().map(|site| site.hidden_ns.round() as i64).collect()
    }

    #[test]
    fn what_reads_as_nothing_hides_less() {
        let of = |each| hidden(vec![site(0, each)], 1_000_000, 1);
        assert_eq!((of(0), of(3), of(40)), (vec![2_000], vec![5_000], vec![6_000]));
    }

    #[test]
    fn no_more_hides_than_the_function_took() {
        let of = |calls| hidden(vec![site(0, 0), site(1, 3)], 3_200 + 3_494, calls);
        assert_eq!(of(1), [1_000, 2_500]);
        // What each call ends with may go on after it.
        assert_eq!(of(1_000), [2_000, 5_000]);
        assert_eq!(hidden(vec![site(0, 0)], 0, 0), [0]);
    }

    #[test]
    fn what_an_argument_hides_was_in_the_call() {
        let at = |index, each, column, bytes: (usize, usize), method| {
            let (byte_start, byte_end) = bytes;
            let span = Span { byte_start, byte_end, line: 5, column, ..Span::default() };
            let source = Some(SiteSource { span, ..SiteSource::default() });
            SiteFacts { line: 5, column: method, source, ..site(index, each) }
        };
        // `names.entry(word.clone())`
        let outer = || at(0, 40, 1, (0, 25), 7);
        let inner = at(1, 3, 13, (12, 24), 18);
        assert_eq!(hidden(vec![outer(), inner.clone()], 1_000_000, 1), [1_000, 5_000]);
        let counted = SiteFacts { timed: 0, ..inner };
        assert_eq!(hidden(vec![outer(), counted], 1_000_000, 1), [6_000, 0]);
        // `names.get().entry(word)`: the receiver's time was none of it.
        let receiver = at(1, 3, 1, (0, 11), 7);
        assert_eq!(hidden(vec![at(0, 40, 1, (0, 23), 13), receiver], 1_000_000, 1), [6_000, 5_000]);
        // The call itself read less than the argument hid in it.
        let short = at(0, 0, 1, (0, 25), 7);
        assert_eq!(hidden(vec![short, at(1, 3, 13, (12, 24), 18)], 1_000_000, 1), [0, 5_000]);
    }

    #[test]
    fn nothing_hides_of_what_was_not_timed() {
        assert_eq!(hidden(vec![SiteFacts { timed: 0, ..site(0, 3) }], 1_000_000, 1), [0]);
    }
}
