//! The one statistic of the comparison: what a busy machine does to a few samples leaves it alone.

/// The middle one, the upper of two; none of nothing.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn one_far_off_changes_nothing() {
        assert_eq!(median(vec![3.0, 1.0, 900.0]), Some(3.0));
        assert_eq!(median(vec![2.0, 1.0]), Some(2.0));
        assert_eq!(median(vec![-1.0]), Some(-1.0));
        assert_eq!(median(Vec::new()), None);
    }
}
