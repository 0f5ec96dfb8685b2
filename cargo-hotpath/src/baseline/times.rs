//! Which times of an older baseline stay when it is replaced, and which figures of its totals that differ
//! from run to run: those that the new ones only differ from by noise, which would else change in every
//! commit.

use crate::compare::instructions::{self, Instructions};
use crate::compare::noise::{Claim, Times};
use crate::compare::statistics::{ALPHA, least_p};
use crate::snapshot::{Count, Figures, InstructionCounts, Snapshot, Totals};

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
    if counts(before) != counts(totals) {
        return;
    }
    if is_noise(&before.wall_ns, &totals.wall_ns) {
        totals.wall_ns.clone_from(&before.wall_ns);
        totals.cpu_ns.clone_from(&before.cpu_ns);
    }
    // Threads make the peak another in each run. One that the old range has says nothing new.
    let has = |(old, new): &(Count, Count)| old.least <= new.least && new.most <= old.most;
    if let Some((old, _)) = before.peak_live_bytes.zip(totals.peak_live_bytes).filter(has) {
        totals.peak_live_bytes = Some(old);
    }
    let counted = before.instructions.as_ref().zip(totals.instructions.as_ref());
    if counted.is_some_and(|(old, new)| is_same_work(old, new)) {
        totals.instructions.clone_from(&before.instructions);
    }
}

/// Whether a difference could have been claimed, and none was.
fn is_noise(old: &[u64], new: &[u64]) -> bool {
    if old.is_empty() || least_p(old.len(), new.len()) > ALPHA {
        return false;
    }
    let took_none = |times: &[u64]| times.iter().all(|ns| *ns == 0);
    took_none(old) && took_none(new)
        || Times::of(old, new).is_some_and(|times| times.claim == Claim::None)
}

/// Likewise of instructions, which are compared from two repetitions on.
fn is_same_work(old: &InstructionCounts, new: &InstructionCounts) -> bool {
    let enough = old.counts.len().min(new.counts.len()) >= instructions::LEAST;
    let compared = Instructions::of(old, new);
    enough && compared.is_some_and(|it| it.claim == instructions::Claim::None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::InstructionSource;
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

    #[test]
    fn where_nothing_could_be_claimed_the_new_times_stand() {
        let few = snapshot(7, &[100, 101, 102]);
        assert_eq!(kept(&few, snapshot(7, &[200, 201, 202])), [200, 201, 202], "3 and 3");
        let none = snapshot(7, &[0; 5]);
        assert_eq!(kept(&none, snapshot(7, &SLOW)), SLOW, "there was none to divide by");
        let mut still_none = snapshot(7, &[0; 5]);
        still_none.functions.get_mut("app::a").unwrap().p50_ns = vec![1; 5];
        keep(&none, &mut still_none);
        assert_eq!(still_none, none);
    }

    #[test]
    fn peaks_and_instructions_stay_likewise() {
        let with = |allocs, peak: [u64; 2], counts: [u64; 2]| {
            let mut snapshot = snapshot(3, &OLD);
            snapshot.totals.allocs = Some(Count::exact(allocs));
            snapshot.totals.peak_live_bytes = Count::of(peak);
            let (source, counts) = (InstructionSource::Hardware, counts.to_vec());
            snapshot.totals.instructions = Some(InstructionCounts { source, counts });
            snapshot
        };
        let old = with(3, [500, 900], [10_000, 10_010]);
        let kept = |mut new: Snapshot| {
            keep(&old, &mut new);
            let Totals { peak_live_bytes, instructions, .. } = new.totals;
            (peak_live_bytes == old.totals.peak_live_bytes, instructions == old.totals.instructions)
        };
        assert_eq!(kept(with(3, [600, 700], [10_002, 10_008])), (true, true));
        assert_eq!(kept(with(3, [600, 901], [10_002, 10_008])), (false, true), "wider");
        assert_eq!(kept(with(3, [600, 700], [20_000, 20_010])), (true, false), "more work");
        assert_eq!(kept(with(4, [600, 700], [10_002, 10_008])), (false, false), "other counts");
        let mut once = with(3, [600, 700], [0; 2]);
        once.totals.instructions.as_mut().unwrap().counts = vec![20_000];
        assert_eq!(kept(once), (true, false), "one shows no spread");
    }
}
