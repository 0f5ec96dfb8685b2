//! Looks at the workload's threads from outside while it runs: a timeline, and a measure of self
//! time that owes nothing to the probes' clocks.
//!
//! Each look reads from the mapped counters which node every thread is in, and asks the system
//! whether those run that have not moved since the look before. What it sees is added up in place,
//! weighted by the time to the looks before and after. Not seen are threads before their first probe or
//! counted allocation, and counters that had no room in the file.

mod look;
mod pace;
mod process;
mod random;
mod state;
mod tally;
mod workload;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use look::Looks;
use pace::Pace;
use random::Random;
pub use tally::{Samples, Tally};
use workload::Workload;

/// A thread that looks until it is stopped or dropped.
#[derive(Debug)]
pub struct Sampler {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Samples>>,
}

impl Sampler {
    /// Starts to look at the processes that leave their counters in `directory`.
    ///
    /// Where there are no mapped counters (outside of Unix), or no thread is to be had, it does
    /// nothing.
    pub fn start(directory: &Path) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, directory) = (Arc::clone(&stop), directory.to_owned());
        // Its thread may come late: that time is none that it covered.
        let began = Instant::now();
        let looks = move || sample(directory, began, &stopped);
        let builder = thread::Builder::new().name("sampler".to_owned());
        let thread = if cfg!(unix) { builder.spawn(looks).ok() } else { None };
        Self { stop, thread }
    }

    /// What it saw; `None` where it could not look. Returns once the look under way is over, which
    /// takes a millisecond for hundreds of threads.
    pub fn stop(mut self) -> Option<Samples> {
        self.end()
    }

    fn end(&mut self) -> Option<Samples> {
        let thread = self.thread.take()?;
        self.stop.store(true, Relaxed);
        thread.thread().unpark();
        // Its panic would be a fault of ours, and no reason to lose the profile.
        thread.join().ok()
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.end();
    }
}

fn sample(directory: PathBuf, began: Instant, stopped: &AtomicBool) -> Samples {
    let random = Random::new();
    let mut pace = Pace::new(random.other());
    let mut workload = Workload::new(directory);
    let mut looks = Looks::new(state::system(), random);
    let mut last = Duration::ZERO;
    while pause(pace.pause(began.elapsed(), spent()), stopped) {
        let now = began.elapsed();
        workload.list(now, &mut looks);
        looks.look(now.saturating_sub(last));
        last = now;
    }
    looks.finish(began.elapsed(), spent())
}

/// Sleeps; false once it is to stop.
fn pause(length: Duration, stopped: &AtomicBool) -> bool {
    let end = Instant::now().checked_add(length);
    while !stopped.load(Relaxed) {
        let left = end.map_or(length, |end| end.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return true;
        }
        // May return early, for no reason.
        thread::park_timeout(left);
    }
    false
}

/// CPU time of this thread so far.
#[cfg(unix)]
fn spent() -> Option<Duration> {
    use nix::time::{ClockId, clock_gettime};
    let spent = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).ok()?;
    Some(Duration::from(spent))
}

#[cfg(not(unix))]
fn spent() -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests;
