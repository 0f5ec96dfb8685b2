//! What a piece of code does, for tests: [`measure`] and [`measure_async`].

use core::fmt;
use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;

use crate::meter::{Figures, Meter, Snapshot};
use crate::notice::{self, Unmeasured};

/// Counts what `work` does on this thread.
///
/// What other threads do meanwhile is not in it, also where `work` started them: tests that run at
/// the same time don't disturb each other. Measures may stand in one another.
///
/// The probes and the counting allocator count as they always do; all that is added is a look at the
/// thread's counters before and after, which takes time in proportion to the number of functions
/// in their calling contexts that the thread has met (some nanoseconds each). While it runs, an
/// allocation that takes the live bytes to a new height costs some 20 ns more.
///
/// Without the feature `enabled` the work is done and nothing is measured: every figure is `None`.
/// Without the counting allocator (feature `global-allocator`, or [`Allocator`](crate::Allocator))
/// those of the heap are. One line on stderr says so.
///
/// ```
/// let measured = hotpath_runtime::measure(|| vec![1, 2, 3]);
/// assert_eq!(measured.value, [1, 2, 3]);
/// if let Some(allocs) = measured.allocs() {
///     assert_eq!(allocs, 1);
/// }
/// ```
///
/// # Panics
///
/// As `work` does; and where nothing is measured, or no allocations, if `CARGO_HOTPATH_REQUIRE=1` is in
/// the environment.
#[track_caller]
pub fn measure<T>(work: impl FnOnce() -> T) -> Measured<T> {
    let meter = Meter::open(Snapshot::default());
    if let Err(why) = &meter {
        notice::not_checked(*why);
    }
    let value = work();
    let figures = meter.and_then(Meter::close).map(|(figures, _)| figures);
    Measured { value, polls: None, figures }.said()
}

/// Counts what the polls of `future` do, on whichever threads they run.
///
/// That is all: not what other tasks do between its polls, what making the future took, nor what
/// is left of it to drop after the last poll. Each poll takes what [`measure`] takes.
///
/// # Panics
///
/// As `future` does, and as [`measure`].
pub async fn measure_async<F: Future>(future: F) -> Measured<F::Output> {
    let mut sum = Sum { figures: Figures::none(), memory: Snapshot::default(), polls: 0 };
    if let Err(why) = &sum.figures {
        notice::not_checked(*why);
    }
    let mut future = pin!(future);
    let value = poll_fn(|context| sum.poll(|| future.as_mut().poll(context))).await;
    let Sum { figures, polls, .. } = sum;
    let polls = figures.is_ok().then_some(polls);
    Measured { value, polls, figures }.said()
}

/// What the polls so far did.
struct Sum {
    figures: Result<Figures, Unmeasured>,
    memory: Snapshot,
    polls: u64,
}

impl Sum {
    fn poll<T>(&mut self, poll: impl FnOnce() -> Poll<T>) -> Poll<T> {
        let meter = Meter::open(core::mem::take(&mut self.memory));
        let result = poll();
        self.polls += 1;
        match meter.and_then(Meter::close) {
            Ok((later, memory)) => {
                self.memory = memory;
                if let Ok(figures) = &mut self.figures {
                    figures.then(&later);
                }
            }
            Err(why) => self.figures = Err(why),
        }
        result
    }
}

/// A value, and what was counted while it was made.
///
/// A figure that was not measured is `None`, never 0.
#[derive(Debug)]
pub struct Measured<T = ()> {
    /// What the code gave.
    pub value: T,
    polls: Option<u64>,
    figures: Result<Figures, Unmeasured>,
}

impl<T> Measured<T> {
    /// Allocations. Reallocations are not among them.
    pub fn allocs(&self) -> Option<u64> {
        self.figures().and_then(Figures::allocs)
    }

    /// Bytes allocated.
    pub fn alloc_bytes(&self) -> Option<u64> {
        self.figures().and_then(Figures::alloc_bytes)
    }

    /// Reallocations, as of a `Vec` that grows.
    pub fn reallocs(&self) -> Option<u64> {
        self.figures().and_then(Figures::reallocs)
    }

    /// Frees, also of what was allocated before.
    pub fn frees(&self) -> Option<u64> {
        self.figures().and_then(Figures::frees)
    }

    /// Bytes freed.
    pub fn freed_bytes(&self) -> Option<u64> {
        self.figures().and_then(Figures::freed_bytes)
    }

    /// The most bytes that were live at once beyond those that were live at the start. What was
    /// allocated before and freed meanwhile counts as less; what other threads free, as live.
    pub fn peak_live_bytes(&self) -> Option<u64> {
        self.figures().and_then(Figures::peak_live_bytes)
    }

    /// Polls of the future; `None` where it is none.
    pub fn polls(&self) -> Option<u64> {
        self.polls
    }

    /// Calls of a function with `#[hotpath]` (async: first polls), by its name in reports or the end
    /// of its path: `parse`, `Parser::parse`, `orders::Parser::parse`. Where several are called so, those of all.
    ///
    /// `None` where the process has called none of that name, as nobody knows of a function before; and
    /// where there was no memory to remember one of that name.
    pub fn calls(&self, function: &str) -> Option<u64> {
        self.figures().and_then(|figures| figures.calls(function))
    }

    pub(crate) fn figures(&self) -> Option<&Figures> {
        self.figures.as_ref().ok()
    }

    /// Itself, after having said what of it is missing.
    #[track_caller]
    fn said(self) -> Self {
        match &self.figures {
            Ok(figures) if figures.counts_heap() => {}
            Ok(_) => notice::not_checked(Unmeasured::NoAllocator),
            Err(why) => notice::not_checked(*why),
        }
        self
    }
}

impl<T> fmt::Display for Measured<T> {
    /// `3 allocations (1234 bytes), 1 reallocation, 3 frees, 1024 bytes live at most`, and the measured
    /// functions that allocated.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figures = match &self.figures {
            Ok(figures) => figures,
            Err(why) => return f.write_str(why.text()),
        };
        let (Some(allocs), Some(bytes), Some(reallocs), Some(frees), Some(peak)) = (
            self.allocs(),
            self.alloc_bytes(),
            self.reallocs(),
            self.frees(),
            self.peak_live_bytes(),
        ) else {
            return f.write_str("allocations not measured");
        };
        let s = |count: u64| if count == 1 { "" } else { "s" };
        write!(
            f,
            "{allocs} allocation{} ({bytes} bytes), {reallocs} reallocation{}, {frees} free{}, {peak} bytes live \
             at most",
            s(allocs),
            s(reallocs),
            s(frees),
        )?;
        if let Some(polls) = self.polls {
            write!(f, ", {polls} poll{}", s(polls))?;
        }
        write!(f, "{figures}")
    }
}
