//! Which differences of times are claimed: those that are neither chance nor within the noise.

use serde::Serialize;

use super::statistics::{self, ALPHA};

/// Times of both sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Times {
    /// Median of the base.
    pub base_ns: f64,
    /// Median of the other.
    pub new_ns: f64,
    /// Their ratio, new to base.
    pub ratio: f64,
    /// Low end of its 95 % interval.
    pub ratio_low: f64,
    /// High end.
    pub ratio_high: f64,
    /// Of the rank sum test, two-sided.
    pub p: f64,
    /// Spread of the repetitions, of the side where it is larger.
    pub noise_pct: f64,
    /// What can be said.
    pub claim: Claim,
}

/// What can be said of two times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Claim {
    /// Nothing.
    None,
    /// The other is faster.
    Faster,
    /// The other is slower.
    Slower,
}

impl Times {
    /// Of the repetitions of both sides; `None` where one took no time.
    pub fn of(base: &[u64], new: &[u64]) -> Option<Self> {
        let (base_ns, new_ns) = statistics::median(base).zip(statistics::median(new))?;
        let (ratio_low, ratio_high) = statistics::ratio_interval(base, new)?;
        let p = statistics::rank_sum(base, new)?;
        let spread = |side| statistics::spread(side).unwrap_or(0.0);
        let noise = spread(base).max(spread(new));
        let ratio = new_ns / base_ns;
        if !ratio.is_finite() {
            return None;
        }
        let claim = match () {
            () if p >= ALPHA || (ratio - 1.0).abs() <= noise => Claim::None,
            () if ratio_low > 1.0 => Claim::Slower,
            () if ratio_high < 1.0 => Claim::Faster,
            () => Claim::None,
        };
        let noise_pct = 100.0 * noise;
        Some(Self { base_ns, new_ns, ratio, ratio_low, ratio_high, p, noise_pct, claim })
    }
}

/// Takes claims back that would be made by chance among so many (Benjamini and Hochberg, 1995).
pub fn withdraw<'t>(all: impl Iterator<Item = &'t mut Times>) {
    let mut all: Vec<&mut Times> = all.collect();
    all.sort_by(|a, b| a.p.total_cmp(&b.p));
    let count = all.len() as f64;
    let fits =
        |(index, times): &(usize, &&mut Times)| times.p <= ALPHA * (*index as f64 + 1.0) / count;
    let kept = all.iter().enumerate().rfind(|entry| fits(&(entry.0, entry.1)));
    let kept = kept.map_or(0, |(index, _)| index + 1);
    for times in &mut all[kept..] {
        times.claim = Claim::None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: [u64; 6] = [100, 101, 102, 103, 104, 105];

    #[test]
    fn what_lies_within_the_noise_is_not_claimed() {
        let claim = |new: &[u64]| Times::of(&BASE, new).unwrap().claim;
        assert_eq!(claim(&[120, 121, 122, 123, 124, 125]), Claim::Slower);
        assert_eq!(claim(&[80, 81, 82, 83, 84, 85]), Claim::Faster);
        assert_eq!(claim(&BASE), Claim::None);
        assert_eq!(claim(&[106, 140, 90, 160, 107, 130]), Claim::None, "by chance");
        let (wide, shifted): (Vec<u64>, Vec<u64>) =
            (0..16).map(|i| (100 + 20 * i, 180 + 20 * i)).unzip();
        let within = Times::of(&wide, &shifted).unwrap();
        assert!(within.p < ALPHA && within.claim == Claim::None, "within the spread: {within:?}");
        assert_eq!(claim(&[200, 201, 202]), Claim::Slower);
        assert_eq!(Times::of(&[1, 1, 1], &[9, 9, 9]).unwrap().claim, Claim::None, "3 and 3");
        assert!(Times::of(&[0, 0], &[5, 5]).is_none());
    }

    #[test]
    fn among_many_functions_chance_is_not_claimed() {
        let near = |p| Times { p, ..Times::of(&BASE, &[200; 6]).unwrap() };
        let mut all: Vec<Times> = (0..20).map(|i| near(0.04 + 0.01 * f64::from(i))).collect();
        withdraw(all.iter_mut());
        assert!(all.iter().all(|times| times.claim == Claim::None));
        let mut sure = [near(0.0001), near(0.9)];
        withdraw(sure.iter_mut());
        assert_eq!(sure[0].claim, Claim::Slower);
    }
}
