//! When to look next: often enough, at no regular beat, and within the budget.

use std::time::Duration;

use super::random::Random;

/// The shortest mean time between two looks: 1 kHz.
const SHORTEST: Duration = Duration::from_millis(1);

/// Share of one core that looking may take.
pub(super) const BUDGET: f64 = 0.01;

/// Part of the budget that is planned with: costs vary.
const PLANNED: f64 = 0.9;

/// Weight of the newest look in the mean cost of a look.
const NEWEST: f64 = 0.1;

/// Plans the pauses between looks.
#[derive(Debug)]
pub(super) struct Pace {
    random: Random,
    /// Mean CPU seconds of a look, the newer the more it counts.
    cost: Option<f64>,
    spent: Duration,
}

impl Pace {
    pub(super) fn new(random: Random) -> Self {
        Self { random, cost: None, spent: Duration::ZERO }
    }

    /// How long to wait, `elapsed` after the start, with CPU time `spent` by now.
    ///
    /// Uniform from half to one and a half of the mean, so that the looks can't follow a period of
    /// the program; and never so short that the looks so far and the next one pass the budget.
    pub(super) fn pause(&mut self, elapsed: Duration, spent: Option<Duration>) -> Duration {
        let spent = spent.unwrap_or(self.spent);
        let newest = spent.saturating_sub(self.spent).as_secs_f64();
        self.spent = spent;
        let cost = self.cost.map_or(newest, |mean| mean + NEWEST * (newest - mean));
        self.cost = Some(cost);
        let mean = (cost / (BUDGET * PLANNED)).max(SHORTEST.as_secs_f64());
        let pause = mean * (0.5 + self.random.share());
        let affordable = (spent.as_secs_f64() + cost.max(newest)) / BUDGET - elapsed.as_secs_f64();
        Duration::from_secs_f64(pause.max(affordable))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks that cost this much each, over a second or more; the pauses, and the CPU time after.
    fn run(cost: impl Fn(usize) -> Duration) -> (Vec<f64>, Duration, Duration) {
        let mut pace = Pace::new(Random::from_seed(3));
        let (mut elapsed, mut spent) = (Duration::ZERO, Duration::from_micros(40));
        let mut pauses = vec![];
        while elapsed < Duration::from_secs(1) {
            let pause = pace.pause(elapsed, Some(spent));
            pauses.push(pause.as_secs_f64());
            spent += cost(pauses.len());
            elapsed += pause;
        }
        (pauses, elapsed, spent)
    }

    #[test]
    fn cheap_looks_come_at_a_kilohertz_and_at_no_beat() {
        let (pauses, elapsed, _) = run(|_| Duration::from_micros(2));
        let mean = elapsed.as_secs_f64() / pauses.len() as f64;
        assert!((0.00095..0.00110).contains(&mean), "{mean}");
        // At first the start of the thread is all that is known of costs.
        let later = &pauses[40..];
        assert!(later.iter().all(|pause| (0.0005..0.0015).contains(pause)));
        let short = later.iter().filter(|pause| **pause < 0.00075).count() as f64;
        assert!((0.2..0.3).contains(&(short / later.len() as f64)), "a quarter lies there");
    }

    #[test]
    fn dear_looks_come_more_rarely_and_stay_within_the_budget() {
        for cost in [20, 200, 5_000] {
            let (pauses, elapsed, spent) = run(|_| Duration::from_micros(cost));
            let share = spent.as_secs_f64() / elapsed.as_secs_f64();
            assert!(share <= BUDGET, "{cost} us: {share}");
            assert!(pauses.len() >= 2 && share > BUDGET / 2.0, "{cost} us: {share}");
        }
    }

    #[test]
    fn looks_that_get_dearer_stay_within_the_budget() {
        let (_, elapsed, spent) = run(|look| Duration::from_micros(look as u64));
        // The last look is allowed for by the mean of those before it.
        let last = Duration::from_micros(400);
        assert!(spent.saturating_sub(last).as_secs_f64() <= BUDGET * elapsed.as_secs_f64());
    }

    #[test]
    fn without_a_clock_for_its_cost_it_keeps_the_shortest_pause() {
        let mut pace = Pace::new(Random::from_seed(1));
        for _ in 0..100 {
            let pause = pace.pause(Duration::from_secs(1), None);
            assert!(pause >= SHORTEST / 2 && pause <= SHORTEST * 3 / 2);
        }
    }
}
