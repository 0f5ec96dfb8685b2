//! What measuring itself cost: how often each kind of probe ran times what it takes, as a range.
//!
//! The costs are calibrated in the process, in loops with nothing else in them. Between other work
//! a probe that reads the clock costs less, as the processor overlaps the two, and one that only
//! counts may cost more: hence the ranges. What no calibration can know is what a probe keeps the
//! compiler from doing (inlining, vectorising) and what it pushes out of the caches.

use crate::facts::{Facts, FunctionFacts, SiteFacts};
use crate::profile::{Allocs, ProbeCosts};

/// Share of a clocked probe's calibrated cost that a program really pays: least, likely, most.
/// Fully timed, an empty loop overstates it by up to five times.
const PAID: Cost = Cost { low: 0.2, best: 0.6, high: 1.0 };

/// The same for what only counts. In an empty loop such a probe waits for what the one before it
/// stored; beside 5 ns of other work ten million calls paid a twentieth of that, calls of tiny
/// functions a third and more, `examples/srcindex` over twice as much.
const PAID_COUNTING: Cost = Cost { low: 0.0, best: 1.5, high: 4.0 };

/// The allocator reads the clock around one reallocation in about so many.
const REALLOCS_PER_TIMED: f64 = 8.0;

/// Nanoseconds on all threads: least, likely, most.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// At least.
    pub low: f64,
    /// Likely.
    pub best: f64,
    /// At most.
    pub high: f64,
}

/// All of the run's own cost, cold work included.
pub fn of(facts: &Facts) -> Cost {
    let costs = &facts.probes;
    let mut sum = Sum { certain: facts.cold_ns as f64, ..Sum::default() };
    sum.allocations(&facts.outside_allocs, 0, costs);
    for function in &facts.functions {
        sum.spans(function, function.calls as f64, 0.0, costs);
        sum.inside_of(function, costs);
    }
    sum.cost()
}

/// The part of it that lies in each function's own time: the probes of its expressions, of its
/// allocator operations, and what those of the functions that it calls do outside of their spans.
/// By index into [`Facts::functions`].
pub fn in_self(facts: &Facts) -> Vec<Cost> {
    let costs = &facts.probes;
    let mut sums: Vec<Sum> = facts
        .functions
        .iter()
        .map(|function| {
            let mut sum = Sum::default();
            sum.inside_of(function, costs);
            sum
        })
        .collect();
    for edge in &facts.edges {
        let callee = facts.functions.get(edge.callee);
        let sum = edge.caller.and_then(|caller| sums.get_mut(caller));
        if let (Some(callee), Some(sum)) = (callee, sum) {
            sum.spans(callee, edge.calls as f64, costs.function_inside_ns, costs);
        }
    }
    sums.iter().map(Sum::cost).collect()
}

/// The part of it that lies in a function's total time, its expressions' probes not counted: those
/// of the functions inside of its calls, and of all allocator operations there.
pub fn in_total(function: &FunctionFacts, costs: &ProbeCosts) -> Cost {
    let mut sum = Sum::default();
    let open = function.sites.iter().map(|site| operations(&site.allocs)).sum();
    sum.allocations(&function.total_allocs, open, costs);
    let nested = function.nested;
    sum.clocked += nested.timed as f64 * costs.function_ns;
    let untimed = or(costs.function_untimed_ns, costs.counted_ns);
    sum.counting += nested.spans.saturating_sub(nested.timed) as f64 * untimed;
    sum.cost()
}

/// Calibrated nanoseconds by what they stand for.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    clocked: f64,
    counting: f64,
    certain: f64,
}

impl Sum {
    fn cost(&self) -> Cost {
        let paid = |clocked: f64, counting: f64| {
            self.clocked * clocked + self.counting * counting + self.certain
        };
        Cost {
            low: paid(PAID.low, PAID_COUNTING.low),
            best: paid(PAID.best, PAID_COUNTING.best),
            high: paid(PAID.high, PAID_COUNTING.high),
        }
    }

    /// The spans of `calls` calls of a function, less `inside` of each timed one.
    fn spans(&mut self, function: &FunctionFacts, calls: f64, inside: f64, costs: &ProbeCosts) {
        if function.calls == 0 {
            return;
        }
        let part = calls / function.calls as f64;
        let (spans, timed, untimed) = match function.polls {
            Some(polls) => (polls.polls, costs.poll_ns, costs.poll_untimed_ns),
            None => (function.calls, costs.function_ns, costs.function_untimed_ns),
        };
        let skipped = spans.saturating_sub(function.timed) as f64;
        let untimed = or(untimed, costs.counted_ns);
        self.clocked +=
            part * function.timed as f64 * (or(timed, costs.function_ns) - inside).max(0.0);
        self.counting += part * skipped * untimed;
    }

    /// What a function's expressions and allocations cost.
    fn inside_of(&mut self, function: &FunctionFacts, costs: &ProbeCosts) {
        let mut open = 0;
        for site in &function.sites {
            self.site(site, costs);
            open += operations(&site.allocs);
        }
        self.allocations(&function.self_allocs, open, costs);
    }

    fn site(&mut self, site: &SiteFacts, costs: &ProbeCosts) {
        if let Some(hold) = site.hold {
            let skipped = hold.count.saturating_sub(hold.timed) as f64;
            self.clocked += hold.timed as f64 * costs.expression_ns;
            self.counting += skipped * or(costs.expression_untimed_ns, costs.counted_ns);
        }
        if let Some(awaits) = site.awaits {
            self.counting += awaits.polls as f64 * or(costs.awaited_ns, costs.counted_ns);
            // A poll that pends reads the clock, and so does the one after it.
            let pended = awaits.polls.saturating_sub(awaits.ready);
            self.clocked += pended as f64 * 2.0 * costs.inside_ns;
            return;
        }
        let skipped = site.count.saturating_sub(site.timed) as f64;
        let untimed = if site.timed > 0 { costs.expression_untimed_ns } else { 0.0 };
        self.clocked += site.timed as f64 * costs.expression_ns;
        self.counting += skipped * or(untimed, costs.counted_ns);
    }

    /// Allocator operations, `open` of them with an expression open.
    fn allocations(&mut self, allocs: &Allocs, open: u64, costs: &ProbeCosts) {
        let all = operations(allocs);
        let open = open.min(all);
        self.counting += (all - open) as f64 * or(costs.charge_ns, costs.counted_ns);
        self.counting += open as f64 * or(costs.charge_open_ns, costs.counted_ns);
        self.clocked += allocs.reallocs as f64 / REALLOCS_PER_TIMED * 2.0 * costs.inside_ns;
    }
}

fn operations(allocs: &Allocs) -> u64 {
    allocs.count.saturating_add(allocs.reallocs).saturating_add(allocs.frees)
}

/// A cost, or the one of what is most like it where a profile holds none.
fn or(cost: f64, like: f64) -> f64 {
    if cost > 0.0 { cost } else { like }
}

#[cfg(test)]
mod tests;
