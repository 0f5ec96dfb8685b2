//! Instruction counts against each other: they hardly differ between repetitions, so that their own spread
//! says what is a difference.

use serde::Serialize;

use super::statistics::median;
use crate::schema::InstructionSource;
use crate::snapshot::InstructionCounts;

/// Repetitions of each side that show a spread.
pub const LEAST: usize = 2;

/// Instructions of the whole workload before and after.
#[derive(Clone, Debug, Serialize)]
pub struct Instructions {
    /// What counted them, on both sides.
    pub source: InstructionSource,
    /// Median of the base.
    pub base: f64,
    /// Median of the other.
    pub new: f64,
    /// Of the medians.
    pub ratio: f64,
    /// The least that two repetitions give.
    pub ratio_low: f64,
    /// The most.
    pub ratio_high: f64,
    /// A difference is claimed where the repetitions of both lie further apart than those of either
    /// among themselves.
    pub claim: Claim,
}

/// What can be said of two counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Claim {
    /// Nothing.
    None,
    /// The other runs fewer.
    Fewer,
    /// The other runs more.
    More,
}

/// Why two sides can't be held against each other, if both were counted.
pub fn unlike(base: &InstructionCounts, new: &InstructionCounts) -> Option<String> {
    (base.source != new.source).then(|| {
        format!(
            "instructions are not compared: {} counted those of one side, {} those of the other",
            base.source.name(),
            new.source.name()
        )
    })
}

impl Instructions {
    /// Compares; `None` where one side has no count, or they were counted in different ways.
    pub fn of(base: &InstructionCounts, new: &InstructionCounts) -> Option<Self> {
        if unlike(base, new).is_some() {
            return None;
        }
        let (before, after) = (median(&base.counts)?, median(&new.counts)?);
        let (least_before, most_before) = range(&base.counts)?;
        let (least_after, most_after) = range(&new.counts)?;
        if least_before <= 0.0 {
            return None;
        }
        let spread = (most_before - least_before).max(most_after - least_after);
        let enough = base.counts.len().min(new.counts.len()) >= LEAST;
        let claim = match () {
            () if !enough => Claim::None,
            () if least_after - most_before > spread => Claim::More,
            () if least_before - most_after > spread => Claim::Fewer,
            () => Claim::None,
        };
        Some(Self {
            source: base.source,
            base: before,
            new: after,
            ratio: after / before,
            ratio_low: least_after / most_before,
            ratio_high: most_after / least_before,
            claim,
        })
    }
}

fn range(counts: &[u64]) -> Option<(f64, f64)> {
    let (least, most) = (counts.iter().min()?, counts.iter().max()?);
    Some((*least as f64, *most as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(counts: &[u64]) -> InstructionCounts {
        InstructionCounts { source: InstructionSource::Callgrind, counts: counts.to_vec() }
    }

    #[test]
    fn a_difference_is_more_than_the_spread_of_either_side() {
        let claim = |base: &[u64], new: &[u64]| {
            Instructions::of(&counts(base), &counts(new)).map(|it| it.claim)
        };
        assert_eq!(claim(&[100, 100, 100], &[101, 101, 101]), Some(Claim::More), "exact");
        assert_eq!(claim(&[100, 110], &[115, 118]), Some(Claim::None), "5 apart, 10 wide");
        assert_eq!(claim(&[100, 110], &[121, 125]), Some(Claim::More));
        assert_eq!(claim(&[200, 201], &[100, 101]), Some(Claim::Fewer));
        assert_eq!(claim(&[100], &[200, 200]), Some(Claim::None), "one shows no spread");
        assert_eq!(claim(&[], &[200, 200]), None);
        assert_eq!(claim(&[0, 0], &[1, 1]), None);
        let compared = Instructions::of(&counts(&[100, 110]), &counts(&[220, 220])).unwrap();
        assert!((compared.ratio - 220.0 / 105.0).abs() < 1e-9);
        assert!((compared.ratio_low - 2.0).abs() < 1e-9);
        assert!((compared.ratio_high - 2.2).abs() < 1e-9);
    }

    #[test]
    fn counts_of_different_kinds_are_not_compared() {
        let other = InstructionCounts { source: InstructionSource::Hardware, counts: vec![1] };
        assert!(Instructions::of(&counts(&[1]), &other).is_none());
        let why = unlike(&counts(&[1]), &other).unwrap();
        assert!(why.contains("callgrind counted") && why.contains("the processor"), "{why}");
    }
}
