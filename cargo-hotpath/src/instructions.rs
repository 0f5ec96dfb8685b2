//! How many instructions a workload runs: by the processor's counter, or by valgrind's callgrind.
//!
//! Of the instrumented program as a whole, its probes included, in user space, with all its threads and
//! the processes that it starts.

pub mod callgrind;
#[cfg_attr(target_os = "linux", path = "instructions/hardware_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "instructions/hardware_none.rs")]
mod hardware;

pub use hardware::Counter;

/// A count, or why there is none.
pub type Counted = Result<u64, String>;

/// What else there is where the processor's counter can't be read.
const OTHERWISE: &str = "`--instructions=callgrind` counts with valgrind";

/// Of all repetitions together: why the first that has no count has none.
pub fn reason(all: &[Counted]) -> Option<String> {
    all.iter().find_map(|counted| counted.as_ref().err().cloned())
}
