//! Holds one figure against one limit.

use hotpath_runtime_syntax::budget::{Limit, Metric, Unit};

use super::figure::Figure;
use crate::compare::noise::{Claim, Times};
use crate::compare::statistics::{LEAST_REPETITIONS, least_repetitions};

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Held {
    /// A verdict.
    Judged(Judged),
    /// Times, of which the verdict hangs on how many others there are: see [`claimed`].
    Timed(Times),
    /// None, and why.
    Unjudged(String),
}

/// A verdict.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Judged {
    /// The most that it may be.
    pub(super) limit: f64,
    /// What it is.
    pub(super) actual: f64,
    pub(super) is_broken: bool,
    /// Whether it differs from repetition to repetition.
    pub(super) is_unsteady: bool,
}

/// Against a number: the repetition with the least counts. `base` only says whether it is steady.
pub(super) fn at_most(limit: f64, metric: Metric, new: &Figure, base: Option<&Figure>) -> Judged {
    let is_count = metric.unit() != Unit::Nanoseconds;
    let differs = !new.is_exact() || base.is_some_and(|base| !base.is_exact());
    let actual = new.least();
    Judged { limit, actual, is_broken: exceeds(actual, limit), is_unsteady: is_count && differs }
}

/// Counts against those of a baseline, and so many percent over them.
///
/// Counts that are the same in all repetitions of both are held against each other exactly. Where those
/// of the baseline differ, the least that was counted now may exceed the most of then by as much as the
/// repetitions of either lie apart: two draws from whatever the program does then almost never break
/// it. A baseline that was the same each time gives no such room, or what makes a function unsteady
/// would hide how much it costs.
pub(super) fn counts(base: &Figure, new: &Figure, pct: f64) -> Judged {
    let room = if base.is_exact() { 0.0 } else { base.spread().max(new.spread()) };
    let limit = (base.most() + room) * (1.0 + pct / 100.0);
    let actual = new.least();
    Judged {
        limit,
        actual,
        is_broken: exceeds(actual, limit),
        is_unsteady: !base.is_exact() || !new.is_exact(),
    }
}

/// Times against those of a baseline, and so many percent over them.
pub(super) fn times(base: &Figure, new: &Figure, pct: f64) -> Held {
    let factor = 1.0 + pct / 100.0;
    let allowed: Vec<u64> =
        base.values().iter().map(|value| (value * factor).round().max(0.0) as u64).collect();
    if base.values().contains(&0.0) {
        return Held::Unjudged("in the baseline it is 0 ns".to_owned());
    }
    let (of_base, of_new) = (base.values().len(), new.values().len());
    if of_base.min(of_new) < LEAST_REPETITIONS {
        return Held::Unjudged(format!(
            "with {of_base} and {of_new} repetitions nothing can be told from chance, \
             {LEAST_REPETITIONS} are the least: {}",
            remedy(of_base, of_new, LEAST_REPETITIONS)
        ));
    }
    match Times::of(&allowed, &new.rounded()) {
        Some(times) => Held::Timed(times),
        None => Held::Unjudged("no time at all is allowed".to_owned()),
    }
}

/// What to run so that both sides have so many repetitions.
fn remedy(base: usize, new: usize, least: usize) -> String {
    match (base < least, new < least) {
        (true, false) => format!("the baseline has too few, `--update --runs {least}`"),
        (false, true) => format!("this run has too few, `--runs {least}`"),
        _ => format!(
            "both have too few, `--update --runs {least}`, and `--runs {least}` from then on"
        ),
    }
}

/// The verdict on times, of so many that were judged together and of which those that chance may have made
/// among so many claim nothing any more: broken where they are claimed to be longer than allowed, kept
/// where the median is not; in between nothing can be said. `could` is what was claimed before.
pub(super) fn claimed(
    times: &Times,
    could: Claim,
    (base, new): (&Figure, &Figure),
    among: usize,
) -> Held {
    let judged = |is_broken| {
        let (limit, actual) = (times.base_ns, times.new_ns);
        Held::Judged(Judged { limit, actual, is_broken, is_unsteady: false })
    };
    let over = 100.0 * (times.ratio - 1.0);
    match times.claim {
        Claim::Slower => judged(true),
        _ if times.new_ns <= times.base_ns => judged(false),
        _ if could == Claim::Slower => {
            let (base, new, least) =
                (base.values().len(), new.values().len(), least_repetitions(among));
            let more = if base.min(new) < least {
                format!(": {}", remedy(base, new, least))
            } else {
                String::new()
            };
            Held::Unjudged(format!(
                "the median is {over:.1} % over what is allowed, which among {among} times may be \
                 chance (p {:.3}){more}",
                times.p
            ))
        }
        _ => Held::Unjudged(format!(
            "the median is {over:.1} % over what is allowed, which may be chance (p {:.2}, noise \
             {:.1} %)",
            times.p, times.noise_pct
        )),
    }
}

/// A limit against the baseline's figure.
pub(super) fn over_baseline(metric: Metric, base: &Figure, new: &Figure, pct: f64) -> Held {
    match metric.unit() {
        Unit::Nanoseconds => times(base, new, pct),
        _ => Held::Judged(counts(base, new, pct)),
    }
}

/// Against any limit; `None` for one against a baseline that has no such figure.
pub(super) fn against(
    limit: Limit,
    metric: Metric,
    base: Option<&Figure>,
    new: &Figure,
) -> Option<Held> {
    match limit {
        Limit::AtMost(limit) => Some(Held::Judged(at_most(limit, metric, new, base))),
        Limit::OverBaseline { pct } => base.map(|base| over_baseline(metric, base, new, pct)),
    }
}

/// More than what rounding does to quotients.
fn exceeds(actual: f64, limit: f64) -> bool {
    actual > limit + 1e-9 * limit.abs().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(values: &[u64]) -> Figure {
        Figure::of_times(values).unwrap()
    }

    fn is_broken(base: &[u64], new: &[u64], pct: f64) -> bool {
        counts(&figure(base), &figure(new), pct).is_broken
    }

    #[test]
    fn steady_counts_are_held_exactly() {
        assert!(!is_broken(&[100; 3], &[100; 3], 0.0));
        assert!(is_broken(&[100; 3], &[101; 3], 0.0));
        assert!(!is_broken(&[100; 3], &[105; 3], 5.0));
        assert!(is_broken(&[100; 3], &[106; 3], 5.0));
        assert!(is_broken(&[100; 3], &[150, 200, 250], 0.0), "unsteady, and more each time");
        assert!(!is_broken(&[100; 3], &[100, 200, 250], 0.0), "not each time");
    }

    #[test]
    fn unsteady_counts_have_room_for_what_they_differ_by() {
        let base = [200, 210, 220];
        assert!(!is_broken(&base, &[240, 240, 240], 0.0));
        assert!(is_broken(&base, &[241, 241, 241], 0.0));
        assert!(!is_broken(&base, &[241, 260, 262], 0.0), "21 apart: 220 + 21");
        assert!(is_broken(&base, &[300, 310, 320], 0.0), "one more in each of 100 calls");
        assert!(counts(&figure(&base), &figure(&base), 0.0).is_unsteady);
    }

    /// Draws from one distribution for both sides, as checks of one commit do.
    #[test]
    fn the_same_program_does_not_break_its_own_baseline() {
        let mut state = 7_u64;
        let mut next = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        };
        let shapes: [fn(u64) -> u64; 4] = [
            |it| it % 500,
            |it| 5 + it % 3,
            |it| 10_000 + it % 20 + (it >> 8) % 20 + (it >> 16) % 20,
            |it| 1 << (it % 12),
        ];
        for (at, shape) in shapes.into_iter().enumerate() {
            let mut broken = 0;
            for _ in 0..20_000 {
                let mut draw = |count| (0..count).map(|_| shape(next())).collect::<Vec<u64>>();
                // As many as `check` makes before it calls a budget broken.
                let (base, new) = (draw(5), draw(15));
                broken += u32::from(is_broken(&base, &new, 0.0));
            }
            assert!(broken <= 2, "shape {at}: {broken} of 20 000");
        }
    }

    #[test]
    fn times_are_judged_where_something_can_be_claimed() {
        let base = figure(&[100, 101, 102, 103, 104]);
        let of = |new: &[u64], pct| match times(&base, &figure(new), pct) {
            Held::Timed(times) => claimed(&times, times.claim, (&base, &figure(new)), 1),
            held => held,
        };
        let is = |held, broken| matches!(held, Held::Judged(it) if it.is_broken == broken);
        assert!(is(of(&[200, 201, 202, 203, 204], 10.0), true));
        assert!(is(of(&[105, 106, 107, 108, 109], 10.0), false));
        assert!(is(of(&[90, 91, 92, 93, 94], -20.0), true), "it was to become faster");
        for (new, why) in [
            (&[130, 131, 132][..], "5 and 3 repetitions"),
            (&[130, 131, 132], "this run has too few, `--runs 4`"),
            (&[90, 100, 114, 150, 160], "may be chance"),
        ] {
            let Held::Unjudged(said) = of(new, 10.0) else { panic!("{new:?} was judged") };
            assert!(said.contains(why), "{said}");
        }
        let Held::Unjudged(said) = times(&figure(&[0; 5]), &base, 10.0) else { panic!("judged") };
        assert!(said.contains("0 ns"), "{said}");
        let few = times(&figure(&[100, 101, 102]), &base, 10.0);
        let Held::Unjudged(said) = few else { panic!("judged") };
        assert!(said.contains("the baseline has too few, `--update --runs 4`"), "{said}");
    }
}
