//! Searches a series for a period, by autocorrelation.

use std::ops::RangeInclusive;

use hotpath_runtime::hotpath;

/// Sums that are kept apart, so that the additions need not wait for each other.
const LANES: usize = 16;

/// After how many items a series resembles itself most.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Period {
    pub(crate) lag: usize,
    /// 1 when it repeats itself exactly, 0 when not at all.
    pub(crate) strength: f32,
}

/// The strongest period of `series` among `lags`; lags above half of its length are left out.
#[hotpath]
pub(crate) fn strongest(series: &[f32], lags: RangeInclusive<usize>) -> Period {
    let mean = series.iter().sum::<f32>() / series.len().max(1) as f32;
    let centred: Vec<f32> = series.iter().map(|value| value - mean).collect();
    let power = product(&centred, &centred);
    if power <= 0.0 {
        return Period::default();
    }
    let mut best = Period::default();
    for lag in lags.take_while(|lag| lag * 2 <= series.len()) {
        let strength = product(&centred[lag..], &centred[..centred.len() - lag]) / power;
        if strength > best.strength {
            best = Period { lag, strength };
        }
    }
    best
}

/// The scalar product of two series of the same length.
#[hotpath]
fn product(a: &[f32], b: &[f32]) -> f32 {
    let (a_lanes, a_rest) = a.as_chunks::<LANES>();
    let (b_lanes, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (a, b) in a_lanes.iter().zip(b_lanes) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn period_of_a_sawtooth_is_found() {
        let series: Vec<f32> = (0..2_000).map(|item| (item % 37) as f32).collect();
        let period = strongest(&series, 8..=60);
        assert_eq!(period.lag, 37);
        assert!(period.strength > 0.9);
    }

    #[test]
    fn constant_and_empty_series_have_none() {
        assert_eq!(strongest(&[], 8..=60), Period::default());
        assert_eq!(strongest(&[3.0; 100], 8..=60), Period::default());
    }
}
