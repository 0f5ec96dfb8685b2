//! Medians, a bootstrap interval of their ratio, and the rank sum test of Mann and Whitney.

/// Repetitions on each side from which on the test of one time can reach 5 %: with 4 and 4 its least p
/// is 0.029. Of several times it takes [`least_repetitions`].
pub const LEAST_REPETITIONS: usize = 4;

/// Share of claims that may be false, over all times that are compared together.
pub const ALPHA: f64 = 0.05;

/// Resamples of the bootstrap.
const RESAMPLES: usize = 2_000;

/// Up to so many values on both sides together the test is exact.
const EXACT: usize = 40;

/// The least p that the rank sum test can give with so many repetitions: that of one side wholly above
/// the other, which 2 of the `C(m + n, n)` orders are.
pub fn least_p(base: usize, new: usize) -> f64 {
    let orders: f64 = (1..=new).map(|k| (base + k) as f64 / k as f64).product();
    (2.0 / orders).min(1.0)
}

/// Repetitions on each side from which on a difference of one time among so many can be claimed, the
/// others being the same.
pub fn least_repetitions(times: usize) -> usize {
    let bar = ALPHA / times.max(1) as f64;
    (1..1_000).find(|&each| least_p(each, each) <= bar).unwrap_or(1_000)
}

/// The median; `None` of nothing.
pub fn median(values: &[u64]) -> Option<f64> {
    let mut values: Vec<f64> = values.iter().map(|value| *value as f64).collect();
    (!values.is_empty()).then(|| middle(&mut values))
}

/// The median of at least one value.
fn middle(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len().is_multiple_of(2) {
        f64::midpoint(values[half - 1], values[half])
    } else {
        values[half]
    }
}

/// Median absolute deviation as a share of the median, scaled to a standard deviation (1.4826: Rousseeuw
/// and Croux, 1993).
pub fn spread(values: &[u64]) -> Option<f64> {
    let center = median(values).filter(|center| *center > 0.0)?;
    let mut off: Vec<f64> = values.iter().map(|value| (*value as f64 - center).abs()).collect();
    Some(1.4826 * middle(&mut off) / center)
}

/// Bounds of the ratio of medians, new to base, between which 95 % of the resamples lie (percentile
/// bootstrap: Efron, 1979). The same values give the same bounds.
pub fn ratio_interval(base: &[u64], new: &[u64]) -> Option<(f64, f64)> {
    if base.is_empty() || new.is_empty() {
        return None;
    }
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut draw = |values: &[u64]| {
        let mut drawn: Vec<f64> =
            values.iter().map(|_| values[random.below(values.len())] as f64).collect();
        middle(&mut drawn)
    };
    let mut ratios: Vec<f64> = (0..RESAMPLES)
        .map(|_| (draw(base), draw(new)))
        .filter(|(base, _)| *base > 0.0)
        .map(|(base, new)| new / base)
        .collect();
    ratios.sort_by(f64::total_cmp);
    let at = |share: f64| ratios.get((share * ratios.len() as f64) as usize).copied();
    at(0.025).zip(at(0.975))
}

/// Two-sided p of the rank sum test (Mann and Whitney, 1947): how likely ranks at least as uneven are where
/// both sides are alike. Ties share their mean rank.
pub fn rank_sum(base: &[u64], new: &[u64]) -> Option<f64> {
    let (m, n) = (base.len(), new.len());
    if m == 0 || n == 0 {
        return None;
    }
    let ranks = doubled_ranks(base, new);
    let sum: u64 = ranks[m..].iter().sum();
    Some(if m + n <= EXACT { exact(&ranks, n, sum) } else { approximate(&ranks, m, n, sum) })
}

/// Ranks from 1 on, times two so that means of ties are whole; those of `base` first.
fn doubled_ranks(base: &[u64], new: &[u64]) -> Vec<u64> {
    let all: Vec<u64> = base.iter().chain(new).copied().collect();
    let rank = |value: &u64| {
        let below = all.iter().filter(|other| *other < value).count() as u64;
        let same = all.iter().filter(|other| *other == value).count() as u64;
        2 * below + same + 1
    };
    all.iter().map(rank).collect()
}

/// Counts all ways to choose `n` of the ranks, by their sum.
fn exact(ranks: &[u64], n: usize, sum: u64) -> f64 {
    let most: u64 = ranks.iter().sum();
    let width = most as usize + 1;
    let mut ways = vec![0.0_f64; (n + 1) * width];
    ways[0] = 1.0;
    for rank in ranks {
        let rank = *rank as usize;
        for chosen in (1..=n).rev() {
            for total in rank..width {
                ways[chosen * width + total] += ways[(chosen - 1) * width + total - rank];
            }
        }
    }
    let of_n = &ways[n * width..];
    let all: f64 = of_n.iter().sum();
    let sum = sum as usize;
    let (low, high): (f64, f64) = (of_n[..=sum].iter().sum(), of_n[sum..].iter().sum());
    (2.0 * low.min(high) / all).min(1.0)
}

/// By the normal distribution, with the corrections for ties and continuity.
fn approximate(ranks: &[u64], m: usize, n: usize, sum: u64) -> f64 {
    let (m, n) = (m as f64, n as f64);
    let all = m + n;
    let mean = n * (all + 1.0) / 2.0;
    let middle = f64::midpoint(all, 1.0);
    let off: f64 = ranks.iter().map(|rank| (*rank as f64 / 2.0 - middle).powi(2)).sum();
    let deviation = (m * n * off / (all * (all - 1.0))).sqrt();
    if deviation == 0.0 {
        return 1.0;
    }
    let z = ((sum as f64 / 2.0 - mean).abs() - 0.5).max(0.0) / deviation;
    (2.0 * upper_tail(z)).min(1.0)
}

/// Share of the normal distribution above `z` (Abramowitz and Stegun, 26.2.17; error below 7.5e-8).
fn upper_tail(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z);
    let series = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let sum = series.iter().rev().fold(0.0, |sum, factor| (sum + factor) * t);
    sum * (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt()
}

/// `SplitMix64` (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        ((u128::from(mixed) * bound as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64, by: f64) {
        assert!((a - b).abs() <= by, "{a} is not {b}");
    }

    #[test]
    fn medians_and_spreads() {
        assert_eq!(median(&[3, 1, 2]), Some(2.0));
        assert_eq!(median(&[4, 1, 2, 3]), Some(2.5));
        assert_eq!(median(&[]), None);
        close(spread(&[90, 100, 110]).unwrap(), 0.148_26, 1e-9);
        assert_eq!(spread(&[0, 0]), None);
    }

    #[test]
    fn exact_probabilities_are_those_of_the_tables() {
        // All of one side above all of the other: 2 of the C(m + n, n) orders are as uneven.
        close(rank_sum(&[1, 2, 3], &[4, 5, 6]).unwrap(), 2.0 / 20.0, 1e-12);
        close(rank_sum(&[1, 2, 3, 4], &[5, 6, 7, 8]).unwrap(), 2.0 / 70.0, 1e-12);
        close(rank_sum(&[5, 6, 7, 8, 9], &[0, 1, 2, 3, 4]).unwrap(), 2.0 / 252.0, 1e-12);
        // U = 5 of m = n = 5: p = 0.1508 (Mann and Whitney's table: 2 x 19/252).
        close(rank_sum(&[1, 2, 3, 6, 9], &[4, 5, 7, 8, 10]).unwrap(), 0.222_222, 0.1);
        close(rank_sum(&[7, 7], &[7, 7]).unwrap(), 1.0, 1e-12);
        assert_eq!(rank_sum(&[], &[1]), None);
    }

    #[test]
    fn among_more_times_more_repetitions_are_needed() {
        close(least_p(4, 4), rank_sum(&[1, 2, 3, 4], &[5, 6, 7, 8]).unwrap(), 1e-12);
        close(least_p(3, 5), rank_sum(&[1, 2, 3], &[4, 5, 6, 7, 8]).unwrap(), 1e-12);
        assert_eq!(least_repetitions(1), LEAST_REPETITIONS);
        // 2/252 is above 0.05/20, 2/924 is not.
        assert_eq!((least_repetitions(6), least_repetitions(20)), (5, 6));
        assert!(least_repetitions(10_000) < 20);
    }

    #[test]
    fn the_approximation_meets_the_exact_test() {
        let base: Vec<u64> = (0..20).map(|i| 100 + 3 * i).collect();
        let new: Vec<u64> = (0..20).map(|i| 112 + 3 * i).collect();
        let ranks = doubled_ranks(&base, &new);
        let sum = ranks[20..].iter().sum();
        close(exact(&ranks, 20, sum), approximate(&ranks, 20, 20, sum), 0.003);
        close(upper_tail(1.96), 0.025, 1e-5);
    }

    #[test]
    fn the_interval_holds_the_ratio_and_is_the_same_each_time() {
        let (base, new) = ([100, 102, 104, 98, 101], [110, 112, 109, 113, 111]);
        let (low, high) = ratio_interval(&base, &new).unwrap();
        assert!(low < 111.0 / 101.0 && 111.0 / 101.0 < high && low > 1.0, "{low} {high}");
        assert_eq!(ratio_interval(&base, &new), Some((low, high)));
        assert_eq!(ratio_interval(&[0, 0], &[1]), None);
    }
}
