//! What the client measured: requests and how long they took, by route.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::mix::Route;

/// The longest time that is told apart from longer ones, in microseconds.
const LONGEST_US: u64 = 60_000_000;

/// Latencies by route.
#[derive(Clone, Debug)]
pub struct Tally {
    routes: Vec<Histogram<u32>>,
}

impl Default for Tally {
    fn default() -> Self {
        let histogram =
            Histogram::new_with_bounds(1, LONGEST_US, 3).expect("these bounds are in order");
        Self { routes: vec![histogram; Route::ALL.len()] }
    }
}

impl Tally {
    /// Counts a request.
    pub fn add(&mut self, route: Route, took: Duration) {
        self.routes[route as usize].saturating_record(took.as_micros() as u64);
    }

    /// Requests counted.
    pub fn requests(&self) -> u64 {
        self.routes.iter().map(Histogram::len).sum()
    }

    /// The time under which this share of a route's requests stayed, in microseconds.
    pub fn quantile_us(&self, route: Route, quantile: f64) -> u64 {
        self.routes[route as usize].value_at_quantile(quantile)
    }
}

impl fmt::Display for Tally {
    /// A row for each route.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "route      requests   mean us    p50 us    p99 us    max us")?;
        for (route, times) in Route::ALL.into_iter().zip(&self.routes) {
            let at = |quantile| times.value_at_quantile(quantile);
            let (requests, max) = (times.len(), times.max());
            let (name, mean) = (route.name(), times.mean());
            let (p50, p99) = (at(0.5), at(0.99));
            writeln!(f, "{name:<9}{requests:>10}{mean:>10.0}{p50:>10}{p99:>10}{max:>10}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_told_apart() {
        let mut tally = Tally::default();
        for millis in 1..=100 {
            tally.add(Route::Quote, Duration::from_millis(millis));
        }
        tally.add(Route::Label, Duration::from_secs(600));
        assert_eq!(tally.requests(), 101);
        assert!((49_900..=50_100).contains(&tally.quantile_us(Route::Quote, 0.5)));
        let text = tally.to_string();
        let row = text.lines().find(|line| line.starts_with("quote")).unwrap();
        assert_eq!(row.split_whitespace().nth(1), Some("100"));
        let mean = row.split_whitespace().nth(2).and_then(|mean| mean.parse::<u64>().ok());
        // As exact as three digits are.
        assert!(mean.is_some_and(|mean| (50_450..=50_550).contains(&mean)), "{row}");
        assert!(tally.quantile_us(Route::Label, 0.5) >= LONGEST_US);
    }
}
