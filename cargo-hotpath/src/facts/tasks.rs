//! Tasks: how many of them are there at once, so that what one waits or computes less is wall time.
//!
//! Requests of a service are customers of a closed network: each waits, computes, and comes again.
//! Its two bounds (Denning and Buzen, "The operational analysis of queueing network models", 1978)
//! say what less of either gains: with idle processors both are parts of a request's time, so what
//! all requests save is wall time by how many there are at once; with busy ones only less
//! computing helps, by the processors. Between them lies how likely one is free.

use std::collections::BTreeSet;

use super::{Facts, FunctionFacts, Repeated, SiteFacts};

/// Share of the measured time from which it is that of tasks.
const MOSTLY: f64 = 0.5;

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
        if above.iter().all(|&root| self.functions[root].calls <= 1) {
            return 1.0;
        }
        self.tasks_at_once()
    }

    /// Computing, in nanoseconds, that is one of wall time: of a program whose computing is that of
    /// tasks; `None` for others.
    pub fn computing_by_wall(&self) -> Option<f64> {
        let roots = self.many().map(|root| root.total_ns as f64).sum::<f64>();
        let measured: f64 = self.functions.iter().map(|function| function.self_ns as f64).sum();
        let (at_once, processors) = (self.tasks_at_once(), self.processors()?);
        if roots < MOSTLY * measured || at_once <= processors {
            return None;
        }
        let free = self.processor_is_free();
        Some(1.0 / (free / at_once + (1.0 - free) / processors))
    }

    /// How likely one of the processors is free at a time, from 0 to 1: not all of them in use.
    pub fn processor_is_free(&self) -> f64 {
        1.0 - self.processors_used().powf(self.processors().unwrap_or(1.0))
    }

    /// Part of the processors that the program used, from 0 to 1: of as many as it has threads.
    pub fn processors_used(&self) -> f64 {
        match (self.cpu_ns, self.processors()) {
            (Some(cpu), Some(processors)) if self.wall_ns > 0 => {
                (cpu as f64 / (self.wall_ns as f64 * processors)).min(1.0)
            }
            _ => 0.0,
        }
    }

    fn processors(&self) -> Option<f64> {
        (self.cores > 0).then(|| self.cores.min(self.threads.max(1)) as f64)
    }

    /// Of the roots that came more than once.
    fn tasks_at_once(&self) -> f64 {
        let time: f64 = self.many().map(FunctionFacts::task_ns).sum();
        if self.wall_ns > 0 { (time / self.wall_ns as f64).max(1.0) } else { 1.0 }
    }

    fn many(&self) -> impl Iterator<Item = &FunctionFacts> {
        let roots = (0..self.functions.len()).filter(|&it| self.is_root(it));
        roots.map(|root| &self.functions[root]).filter(|root| root.calls > 1)
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
    fn computing_less_helps_by_the_tasks_while_processors_idle_and_by_these_when_they_are_busy() {
        let mut facts = Facts { cores: 2, threads: 7, cpu_ns: Some(0), ..service() };
        facts.functions[1].self_ns = 400;
        let by_wall = |facts: &Facts| facts.computing_by_wall().expect("tasks");
        assert!((by_wall(&facts) - 6.0).abs() < 1e-9, "{}", by_wall(&facts));
        facts.cpu_ns = Some(2_000);
        assert!((facts.processors_used() - 1.0).abs() < 1e-9);
        assert!((by_wall(&facts) - 2.0).abs() < 1e-9, "{}", by_wall(&facts));
        // Most is computed elsewhere, or nobody knows how many processors there are.
        facts.functions[0].self_ns = 1_000;
        assert_eq!(facts.computing_by_wall(), None);
        let unknown = Facts { cores: 0, ..facts };
        assert_eq!((unknown.computing_by_wall(), unknown.processors_used()), (None, 0.0));
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
