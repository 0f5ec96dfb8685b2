//! The one statistic of the comparison: what a busy machine does to a few samples leaves it alone.

/// The middle one, the upper of two; none of nothing.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
