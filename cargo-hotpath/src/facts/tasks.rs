//! Tasks: how many of them wait at once, so that what one waits less is wall time.

use std::collections::BTreeSet;

use super::{Facts, FunctionFacts, Repeated, SiteFacts};

impl Facts {
    /// How many tasks of the kind that `function` runs in were there at once, on average over the run;
    /// 1 at least.
    ///
    /// A root is an async function that no measured async function polls: the handler of a request,
    /// a spawned block. Where all roots above were called once (the program's own main task), what
    /// the function waits is what the program waits. Else others wait at the same time: the time of
    /// all tasks that came and went, from their first poll to their end, by the wall time (Little's
    /// law). What a task waits for the next event isn't part of it.
    pub fn concurrency(&self, function: usize) -> f64 {
        let above = self.roots_above(function);
        if above.iter().all(|&root| self.functions[root].calls <= 1) || self.wall_ns == 0 {
            return 1.0;
        }
        let roots = (0..self.functions.len()).filter(|&it| self.is_root(it));
        let many = roots.map(|root| &self.functions[root]).filter(|root| root.calls > 1);
        let time: f64 = many.map(FunctionFacts::task_ns).sum();
        (time / self.wall_ns as f64).max(1.0)
    }

    /// Threads that polled, 1 at least: the workers of a runtime.
    pub fn workers(&self) -> f64 {
        self.polling_threads.max(1) as f64
    }

    /// Which part of the workers' time is spent in polls, from 0 to 1.
    pub fn utilization(&self) -> f64 {
        let roots = (0..self.functions.len()).filter(|&it| self.is_root(it));
        let busy: f64 = roots.map(|root| self.functions[root].total_ns as f64).sum();
        let all = self.workers() * self.wall_ns as f64;
        if all > 0.0 { (busy / all).min(1.0) } else { 0.0 }
    }

    /// Whether this is the root of a task.
    fn is_root(&self, function: usize) -> bool {
        self.functions[function].is_async
            && self.edges.iter().any(|edge| {
                edge.callee == function
                    && edge.calls > 0
                    && edge.caller.is_none_or(|caller| !self.functions[caller].is_async)
            })
    }

    fn roots_above(&self, function: usize) -> BTreeSet<usize> {
        let (mut seen, mut open) = (BTreeSet::from([function]), vec![function]);
        while let Some(callee) = open.pop() {
            for edge in self.edges.iter().filter(|edge| edge.callee == callee && edge.calls > 0) {
                open.extend(edge.caller.filter(|&caller| seen.insert(caller)));
            }
        }
        seen.retain(|&it| self.is_root(it));
        seen
    }
}

impl FunctionFacts {
    /// Time of its calls from the first poll to the end, without that spent waiting for the next
    /// event.
    fn task_ns(&self) -> f64 {
        let waits = self.polls.map_or(0, |polls| polls.wait_ns);
        let events: u64 = self.sites.iter().filter(|site| is_event(site)).map(waited_ns).sum();
        (self.total_ns as f64 + waits as f64 - events as f64).max(0.0)
    }
}

fn is_event(site: &SiteFacts) -> bool {
    let awaited = site.source.as_ref().and_then(|source| source.awaited.as_ref());
    awaited.is_some_and(|awaited| awaited.repeated == Repeated::Head)
}

/// What was waited at a site, wherever inside of it.
fn waited_ns(site: &SiteFacts) -> u64 {
    site.awaits.map_or(0, |awaits| awaits.wait_ns.saturating_add(awaits.nested_wait_ns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{AwaitSource, Edge, SiteSource};
    use crate::profile::{Awaits, Polls};
    use hotpath_runtime_syntax::Kind;

    fn task(calls: u64, busy_ns: u64, wait_ns: u64) -> FunctionFacts {
        FunctionFacts {
            is_async: true,
            calls,
            total_ns: busy_ns,
            polls: Some(Polls { wait_ns, ..Polls::default() }),
            ..FunctionFacts::default()
        }
    }

    fn edge(from: Option<usize>, to: usize) -> Edge {
        Edge { caller: from, callee: to, calls: 1, total_ns: 0 }
    }

    /// Main, a handler that is called often, and what the handler awaits.
    fn service() -> Facts {
        Facts {
            wall_ns: 1_000,
            polling_threads: 2,
            functions: vec![task(1, 10, 990), task(50, 400, 5_600), task(50, 0, 5_000)],
            edges: vec![edge(None, 0), edge(None, 1), edge(Some(1), 2)],
            ..Facts::default()
        }
    }

    #[test]
    fn requests_wait_at_once_and_the_main_task_waits_alone() {
        let facts = service();
        assert!((facts.concurrency(2) - 6.0).abs() < 1e-9, "{}", facts.concurrency(2));
        assert!((facts.concurrency(0) - 1.0).abs() < 1e-9);
        assert!((facts.utilization() - 410.0 / 2_000.0).abs() < 1e-9);
    }

    #[test]
    fn waiting_for_events_is_no_work_of_a_task() {
        let mut facts = service();
        let source = SiteSource {
            awaited: Some(AwaitSource { repeated: Repeated::Head, ..AwaitSource::default() }),
            ..SiteSource::default()
        };
        let site = crate::rules::testing::hot(Kind::Await, "rx.recv().await", "Recv");
        let awaits = Some(Awaits { wait_ns: 3_000, ..Awaits::default() });
        facts.functions[1].sites = vec![SiteFacts { awaits, source: Some(source), ..site }];
        assert!((facts.concurrency(2) - 3.0).abs() < 1e-9, "{}", facts.concurrency(2));
    }

    #[test]
    fn recursion_and_an_empty_run_end() {
        let mut facts = service();
        facts.edges.push(edge(Some(2), 2));
        facts.edges.push(edge(Some(2), 1));
        assert!(facts.concurrency(2) > 1.0);
        facts.wall_ns = 0;
        assert!((facts.concurrency(2) - 1.0).abs() < 1e-9);
        assert!(facts.utilization().abs() < 1e-9);
    }
}
