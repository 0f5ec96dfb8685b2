//! Which processes the workload has: found by the segments that they make.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::look::Looks;
use super::process::Mapped;
use super::state::States;

/// Shortest time between two listings before the first process was found, and how much of it a
/// listing may take: one in so many. There is nothing else to do.
const EAGER: (Duration, u32) = (Duration::from_millis(2), 150);

/// The same from then on, while processes come and go.
const STEADY: (Duration, u32) = (Duration::from_millis(20), 1_000);

/// How much longer the time to the next listing gets at most, while listings find nothing new:
/// most programs are one process, and a listing costs as much as a look.
const LONGER: u32 = 8;

/// Processes looked at at once: each has a file open.
const MOST: usize = 64;

/// The directory where processes leave their counters.
pub(super) struct Workload {
    directory: PathBuf,
    known: HashSet<OsString>,
    next: Duration,
    longer: u32,
}

impl Workload {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory, known: HashSet::new(), next: Duration::ZERO, longer: 1 }
    }

    /// Takes note of processes that have come and gone, where it is time to.
    pub(super) fn list<S: States>(&mut self, now: Duration, looks: &mut Looks<S>) {
        if now < self.next {
            return;
        }
        let began = Instant::now();
        let (following, known) = (looks.following(), self.known.len());
        looks.leave_those_that_are_over();
        let has_left = looks.following() < following;
        // Without the directory there is nothing to see, until there is.
        for entry in fs::read_dir(&self.directory).into_iter().flatten().flatten() {
            if looks.following() >= MOST {
                break;
            }
            let name = entry.file_name();
            let is_segment = Path::new(&name).extension().is_some_and(|end| end == "segment");
            if is_segment && !self.known.contains(&name) {
                // One that can't be read may be one that is just being made.
                if let Some(mapped) = Mapped::open(&entry.path()) {
                    self.known.insert(name);
                    follow(mapped, looks);
                }
            }
        }
        let is_quiet = !has_left && known > 0 && self.known.len() == known;
        self.longer = if is_quiet { (2 * self.longer).min(LONGER) } else { 1 };
        let (shortest, rarely) = if self.known.is_empty() { EAGER } else { STEADY };
        self.next = now + shortest.max(began.elapsed() * rarely) * self.longer;
    }
}

fn follow<S: States>(mapped: Mapped, looks: &mut Looks<S>) {
    let (process, start_ticks) = (mapped.threads.process.clone(), mapped.threads.start_ticks);
    if !process.exited {
        looks.follow(Box::new(mapped), process, start_ticks);
    }
}
