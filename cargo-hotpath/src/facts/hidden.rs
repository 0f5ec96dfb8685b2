//! What of short expressions hid behind the clock.
//!
//! Some processors go on with the work before a reading of the clock while they read. An expression of
//! 10 ns reads as 0 to 4 there; the rest counts as that of what is around it: of the function, or of the
//! expression that it is an argument in.

use std::cmp::Reverse;

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

    /// Whether the other is an argument of this call, evaluated once each time: what it hides then counts
    /// in the time of this one. What a closure or block among the arguments holds mostly runs another
    /// number of times.
    fn takes(&self, other: &Self) -> bool {
        let (Some(own), Some(others)) = (&self.source, &other.source) else { return false };
        let start = (others.span.line, others.span.column);
        // Its receiver's time is none of its own.
        self.index != other.index
            && self.count == other.count
            && others.span.byte_end <= own.span.byte_end
            && start > (self.line, self.column)
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
    let outers = outers(&function.sites);
    bound(function, &outers, each);
    move_from_outer(&mut function.sites, &outers, probes);
}

/// Of executions that read so much, all of which may hide so much: what reads as nothing was likely less
/// than what may hide.
fn likely(read_ns: f64, all: f64) -> f64 {
    all.min(OF_NOTHING * all + read_ns)
}

/// The call that each is an argument of, the innermost that was timed; all by position.
fn outers(sites: &[SiteFacts]) -> Vec<Option<usize>> {
    let span = |position: usize| sites[position].source.as_ref().map(|source| source.span);
    let mut order: Vec<usize> = (0..sites.len()).filter(|at| span(*at).is_some()).collect();
    order.sort_by_key(|at| span(*at).map(|span| (span.byte_start, Reverse(span.byte_end))));
    let mut outers = vec![None; sites.len()];
    // Those that enclose what comes next.
    let mut open: Vec<usize> = Vec::new();
    for at in order {
        let Some(start) = span(at).map(|span| span.byte_start) else { continue };
        open.retain(|outer| span(*outer).is_some_and(|outer| start < outer.byte_end));
        let takes = |outer: &&usize| sites[**outer].timed > 0 && sites[**outer].takes(&sites[at]);
        outers[at] = open.iter().rev().find(takes).copied();
        open.push(at);
    }
    outers
}

/// What is no argument hides in the function's own time, but for what goes on after the end of a call of it.
fn bound(function: &mut FunctionFacts, outers: &[Option<usize>], each: f64) {
    let own = function.self_ns as f64;
    let read: f64 = function.sites.iter().map(|site| site.self_ns as f64).sum();
    let room = (own - read).max(0.0) + (each * function.calls as f64).min(own);
    let whole = || outers.iter().map(Option::is_none);
    let sites = function.sites.iter().zip(whole()).filter(|(_, is_whole)| *is_whole);
    let hidden: f64 = sites.map(|(site, _)| site.hidden_ns).sum();
    if hidden > room {
        for (site, _) in function.sites.iter_mut().zip(whole()).filter(|(_, is_whole)| *is_whole) {
            site.hidden_ns *= room / hidden;
        }
    }
}

/// Takes what hides of an argument off the call whose time it is in.
fn move_from_outer(sites: &mut [SiteFacts], outers: &[Option<usize>], probes: &ProbeCosts) {
    for (inner, outer) in outers.iter().enumerate().filter_map(|(at, outer)| Some((at, (*outer)?)))
    {
        let room =
            sites[outer].read_ns(probes).unwrap_or_default() + sites[outer].hidden_ns.min(0.0);
        let hidden = sites[inner].hidden_ns.min(room.max(0.0));
        sites[inner].hidden_ns = hidden;
        sites[outer].hidden_ns -= hidden;
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
        // The call itself read less than the argument would hide in it.
        let short = at(0, 0, 1, (0, 25), 7);
        assert_eq!(hidden(vec![short, at(1, 3, 13, (12, 24), 18)], 1_000_000, 1), [2_000, 0]);
        // The function has room for what the call hides; the argument needs none.
        let sites = || vec![outer(), at(1, 3, 13, (12, 24), 18)];
        assert_eq!(hidden(sites(), 43_200 + 3_000, 0), [3_000 - 5_000, 5_000]);
        // `workers.spawn(|| loop { .. })`
        let often = SiteFacts { count: 100_000, ..at(1, 0, 13, (12, 24), 18) };
        assert_eq!(hidden(vec![outer(), often], 10_000_000, 1), [6_000, 200_000]);
    }

    #[test]
    fn nothing_hides_of_what_was_not_timed() {
        assert_eq!(hidden(vec![SiteFacts { timed: 0, ..site(0, 3) }], 1_000_000, 1), [0]);
    }
}
