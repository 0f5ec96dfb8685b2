//! Totals per endpoint.

use hotpath_runtime::hotpath;

use crate::generate::ENDPOINTS;
use crate::record::Record;

/// What the requests to one endpoint add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Total {
    pub(crate) requests: u64,
    pub(crate) failed: u64,
    pub(crate) bytes: u64,
    pub(crate) latency_us: u64,
}

/// A [`Total`] for each endpoint that there is.
pub(crate) struct Totals([Total; ENDPOINTS.len()]);

impl Totals {
    pub(crate) fn new() -> Self {
        Self([Total::default(); ENDPOINTS.len()])
    }

    /// The endpoints with their totals.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &Total)> {
        ENDPOINTS.into_iter().zip(&self.0)
    }

    /// Counts `record`; whether its endpoint is known.
    fn add(&mut self, record: Record<'_>) -> bool {
        let Some(place) = ENDPOINTS.iter().position(|&known| known == record.endpoint) else {
            return false;
        };
        let total = &mut self.0[place];
        total.requests += 1;
        total.failed += u64::from(record.status >= 400);
        total.bytes += record.bytes;
        total.latency_us += record.latency_us;
        true
    }
}

/// Adds the lines of `log` to `totals` and `latencies`; how many lines make no sense.
#[hotpath]
pub(crate) fn log(log: &str, totals: &mut Totals, latencies: &mut Vec<f32>) -> usize {
    let mut rejected = 0;
    for line in log.lines() {
        match Record::parse(line) {
            Some(record) if totals.add(record) => latencies.push(record.latency_us as f32),
            _ => rejected += 1,
        }
    }
    rejected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_endpoints_are_counted_and_the_rest_rejected() {
        let mut totals = Totals::new();
        let mut latencies = Vec::new();
        let text = "1,/,200,10,100\n2,/,404,20,300\n3,/nowhere,200,1,1\ndamaged\n";
        assert_eq!(log(text, &mut totals, &mut latencies), 2);
        assert_eq!(latencies, [100.0, 300.0]);
        let expected = Total { requests: 2, failed: 1, bytes: 30, latency_us: 400 };
        assert_eq!(totals.iter().next(), Some(("/", &expected)));
    }
}
