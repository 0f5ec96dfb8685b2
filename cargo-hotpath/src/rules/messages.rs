//! What the messages that functions send keep in memory: bytes that were allocated for them and that the
//! sender's side did not free.

use std::collections::BTreeMap;

use crate::facts::{Facts, FunctionFacts};
use crate::profile::Allocs;

/// How often something is done, for each send, that is done for about each message.
const PER_MESSAGE: (f64, f64) = (0.5, 2.0);

/// Bytes that are kept for all messages together, of functions that sent so many each.
///
/// A function that is called about once for each message made it, with all that it calls. Of one that
/// sends many in a call only that counts which it does about as often: what it read before, all at once,
/// is no message.
pub(super) fn kept_bytes(facts: &Facts, senders: &BTreeMap<usize, u64>) -> f64 {
    let callees = callees(facts);
    let mut seen = vec![false; facts.functions.len()];
    let below: BTreeMap<usize, Vec<bool>> =
        senders.keys().map(|&function| (function, reached(&callees, function))).collect();
    // What is below another one is counted with that; of a circle, with its first.
    let is_below = |function: usize| {
        below.iter().any(|(&other, reached)| {
            other != function && reached[function] && (other < function || !below[&function][other])
        })
    };
    let tops = senders.keys().copied().filter(|function| !is_below(*function));
    let mut sum = 0.0;
    for top in tops {
        let sent: u64 = senders
            .iter()
            .filter(|(function, _)| below[&top][**function])
            .map(|(_, sent)| sent)
            .sum();
        let walk = Walk { facts, callees: &callees, senders, below: &below, sent: sent as f64 };
        sum += walk.of(top, &mut seen);
    }
    sum
}

/// By function the edges to what it calls: index and calls.
type Callees = Vec<Vec<(usize, u64)>>;

fn callees(facts: &Facts) -> Callees {
    let mut callees = vec![Vec::new(); facts.functions.len()];
    for edge in &facts.edges {
        if let (Some(caller), true) = (edge.caller, edge.callee < callees.len())
            && let Some(of) = callees.get_mut(caller)
        {
            of.push((edge.callee, edge.calls));
        }
    }
    callees
}

/// Which functions are called from one, itself included.
fn reached(callees: &Callees, from: usize) -> Vec<bool> {
    let mut reached = vec![false; callees.len()];
    let mut next = vec![from];
    while let Some(function) = next.pop() {
        if !std::mem::replace(&mut reached[function], true) {
            next.extend(callees[function].iter().map(|(callee, _)| *callee));
        }
    }
    reached
}

struct Walk<'f> {
    facts: &'f Facts,
    callees: &'f Callees,
    senders: &'f BTreeMap<usize, u64>,
    /// Of each sender, what it reaches.
    below: &'f BTreeMap<usize, Vec<bool>>,
    /// Messages that it and those below it sent.
    sent: f64,
}

impl Walk<'_> {
    fn of(&self, function: usize, seen: &mut [bool]) -> f64 {
        if std::mem::replace(&mut seen[function], true) {
            return 0.0;
        }
        let of = &self.facts.functions[function];
        let calls = of.calls as f64;
        if calls >= PER_MESSAGE.0 * self.sent {
            // Of calls that sent nothing it is not known what they keep.
            return kept(&of.total_allocs).max(kept(&of.self_allocs))
                * (self.sent / calls.max(1.0)).min(1.0);
        }
        let own = if self.senders.contains_key(&function) { self.own(of) } else { 0.0 };
        let mut sum = own;
        for &(callee, calls) in &self.callees[function] {
            if self.is_for_each(calls) && !seen[callee] {
                seen[callee] = true;
                let other = &self.facts.functions[callee];
                sum +=
                    kept(&other.total_allocs) * (calls as f64 / other.calls.max(1) as f64).min(1.0);
            } else if self.leads_to_sender(callee) {
                sum += self.of(callee, seen);
            }
        }
        sum
    }

    fn is_for_each(&self, count: u64) -> bool {
        (PER_MESSAGE.0 * self.sent..=PER_MESSAGE.1 * self.sent).contains(&(count as f64))
    }

    fn leads_to_sender(&self, function: usize) -> bool {
        let reached = reached(self.callees, function);
        self.below.keys().any(|&sender| reached[sender])
    }

    /// What a function that sends many in a call allocates about once for each: at expressions, and beside
    /// them where that is so often.
    fn own(&self, of: &FunctionFacts) -> f64 {
        let mut beside = of.self_allocs;
        let mut for_each = 0.0;
        for site in &of.sites {
            if self.is_for_each(site.count) {
                for_each += kept(&site.allocs);
            }
            beside = without(&beside, &site.allocs);
        }
        for_each + if self.is_for_each(beside.count) { kept(&beside) } else { 0.0 }
    }
}

/// Bytes that were allocated and not freed.
fn kept(allocs: &Allocs) -> f64 {
    (allocs.bytes + allocs.grown_bytes).saturating_sub(allocs.freed_bytes) as f64
}

fn without(all: &Allocs, part: &Allocs) -> Allocs {
    Allocs {
        count: all.count.saturating_sub(part.count),
        bytes: all.bytes.saturating_sub(part.bytes),
        grown_bytes: all.grown_bytes.saturating_sub(part.grown_bytes),
        freed_bytes: all.freed_bytes.saturating_sub(part.freed_bytes),
        ..Allocs::default()
    }
}

#[cfg(test)]
mod tests {
    use hotpath_runtime_syntax::Kind;

    use super::*;
    use crate::facts::{Edge, SiteFacts};
    use crate::rules::testing::hot;

    const SENT: u64 = 1_000;

    fn allocs(count: u64, bytes: u64) -> Allocs {
        Allocs { count, bytes, ..Allocs::default() }
    }

    fn function(calls: u64, own: Allocs, total: Allocs) -> FunctionFacts {
        FunctionFacts { calls, self_allocs: own, total_allocs: total, ..FunctionFacts::default() }
    }

    fn facts(functions: Vec<FunctionFacts>, edges: &[(usize, usize, u64)]) -> Facts {
        let edge =
            |&(caller, callee, calls)| Edge { caller: Some(caller), callee, calls, total_ns: 0 };
        Facts { functions, edges: edges.iter().map(edge).collect(), ..Facts::default() }
    }

    fn bytes(facts: &Facts, senders: &[(usize, u64)]) -> f64 {
        kept_bytes(facts, &senders.iter().copied().collect())
    }

    #[test]
    fn what_is_called_for_each_message_made_it() {
        let handler =
            function(SENT, allocs(0, 0), Allocs { freed_bytes: 50_000, ..allocs(SENT, 350_000) });
        assert!((bytes(&facts(vec![handler], &[]), &[(0, SENT)]) - 300_000.0).abs() < 1e-6);
    }

    #[test]
    fn what_was_loaded_at_once_is_no_message() {
        // `main` reads 500 MB by itself and by a function, and sends numbers.
        let load = function(1, allocs(1, 250_000_000), allocs(1, 250_000_000));
        let main = function(1, allocs(30, 250_000_000), allocs(31, 500_000_000));
        let send = SiteFacts {
            count: SENT,
            allocs: allocs(29, 29 * 512),
            ..hot(Kind::Send, "s.send(n)", "S")
        };
        let main = FunctionFacts { sites: vec![send], ..main };
        let facts = facts(vec![main, load], &[(0, 1, 1)]);
        assert!((bytes(&facts, &[(0, SENT)]) - 29.0 * 512.0).abs() < 1e-6);
    }

    #[test]
    fn of_one_that_sends_many_what_it_calls_for_each_counts() {
        let main = function(1, allocs(0, 0), allocs(2 * SENT, 9_000_000));
        // Half of its calls are others'.
        let make = function(2 * SENT, allocs(2 * SENT, 800_000), allocs(2 * SENT, 800_000));
        let other = function(1, allocs(SENT, 9_000_000), allocs(SENT, 9_000_000));
        let facts = facts(vec![main, make, other], &[(0, 1, SENT), (0, 2, 1), (2, 1, SENT)]);
        assert!((bytes(&facts, &[(0, SENT)]) - 400_000.0).abs() < 1e-6);
    }

    #[test]
    fn what_a_loader_calls_often_is_no_message_either() {
        let load = function(1, allocs(0, 0), allocs(5 * SENT, 400_000_000));
        let parse = function(SENT, allocs(5 * SENT, 400_000_000), allocs(5 * SENT, 400_000_000));
        let main = function(1, allocs(9 * SENT, 70_000_000), allocs(14 * SENT, 470_000_000));
        let facts = facts(vec![main, load, parse], &[(0, 1, 1), (1, 2, SENT)]);
        assert!(bytes(&facts, &[(0, SENT)]) < 1e-6);
    }

    #[test]
    fn of_calls_that_rarely_send_only_as_many_count() {
        let handler = function(100 * SENT, allocs(0, 0), allocs(100 * SENT, 30_000_000));
        assert!((bytes(&facts(vec![handler], &[]), &[(0, SENT)]) - 300_000.0).abs() < 1e-6);
    }

    #[test]
    fn one_that_sends_by_another_is_not_counted_twice() {
        let produce = function(SENT, allocs(SENT, 100_000), allocs(2 * SENT, 300_000));
        let emit = function(SENT, allocs(SENT, 200_000), allocs(SENT, 200_000));
        let all = facts(vec![emit, produce], &[(1, 0, SENT)]);
        assert!((bytes(&all, &[(0, SENT), (1, SENT)]) - 300_000.0).abs() < 1e-6);
        let circle = facts(all.functions, &[(1, 0, SENT), (0, 1, 1)]);
        assert!(bytes(&circle, &[(0, SENT), (1, SENT)]) > 0.0);
    }

    #[test]
    fn an_own_allocation_for_each_counts_beside_its_sites() {
        let run = function(1, allocs(SENT, 64_000), allocs(SENT, 64_000));
        assert!((bytes(&facts(vec![run], &[]), &[(0, SENT)]) - 64_000.0).abs() < 1e-6);
    }
}
