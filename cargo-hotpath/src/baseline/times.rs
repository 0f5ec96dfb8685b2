//! Which times of an older baseline stay when it is replaced: those that the new ones only differ from
//! by noise, which would else change in every commit.

use crate::compare::noise::{Claim, Times};
use crate::snapshot::{Figures, Snapshot, Totals};

/// Puts times of `old` into `new` where the counts are the same and no difference can be claimed. All are
/// new where they are of another environment or workload, or of more repetitions.
pub(super) fn keep(old: &Snapshot, new: &mut Snapshot) {
    if old.environment != new.environment
        || old.workload != new.workload
        || old.repetitions() < new.repetitions()
    {
        return;
    }
    for (name, figures) in &mut new.functions {
        let same = |old: &&Figures| {
            old.each == figures.each
                && old.future_bytes == figures.future_bytes
                && is_noise(&old.self_ns, &figures.self_ns)
        };
        if let Some(old) = old.functions.get(name).filter(same) {
            figures.self_ns.clone_from(&old.self_ns);
            figures.p50_ns.clone_from(&old.p50_ns);
            figures.p95_ns.clone_from(&old.p95_ns);
            figures.p99_ns.clone_from(&old.p99_ns);
        }
    }
    let counts = |it: &Totals| (it.allocs, it.alloc_bytes, it.reallocs);
    let (before, totals) = (&old.totals, &mut new.totals);
    if counts(before) == counts(totals) && is_noise(&before.wall_ns, &totals.wall_ns) {
        totals.wall_ns.clone_from(&before.wall_ns);
        totals.cpu_ns.clone_from(&before.cpu_ns);
    }
}

fn is_noise(old: &[u64], new: &[u64]) -> bool {
    !old.is_empty() && Times::of(old, new).is_none_or(|times| times.claim == Claim::None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Each;

    fn snapshot(allocs: u64, times: &[u64]) -> Snapshot {
        let each = vec![Each { calls: 3, allocs, ..Each::default() }];
        let figures = Figures { self_ns: times.to_vec(), ..Figures::of_each(each, true, false) };
        let mut snapshot = Snapshot::default();
        snapshot.totals.wall_ns = times.to_vec();
        snapshot.functions.insert("app::a".to_owned(), figures);
        snapshot
    }

    fn kept(old: &Snapshot, mut new: Snapshot) -> Vec<u64> {
        keep(old, &mut new);
        new.functions["app::a"].self_ns.clone()
    }

    const OLD: [u64; 5] = [100, 101, 102, 103, 104];
    const NOISE: [u64; 5] = [103, 100, 102, 105, 101];
    const SLOW: [u64; 5] = [200, 201, 202, 203, 204];

    #[test]
    fn times_stay_where_nothing_changed_but_the_noise() {
        let old = snapshot(7, &OLD);
        assert_eq!(kept(&old, snapshot(7, &NOISE)), OLD);
        assert_eq!(kept(&old, snapshot(7, &SLOW)), SLOW, "it became slower");
        assert_eq!(kept(&old, snapshot(8, &NOISE)), NOISE, "it allocates more");
        assert_eq!(kept(&old, snapshot(7, &[100; 9])), [100; 9], "of more repetitions");
        let mut elsewhere = snapshot(7, &NOISE);
        elsewhere.environment.rustc = "rustc 9".to_owned();
        assert_eq!(kept(&old, elsewhere), NOISE);
    }
}
