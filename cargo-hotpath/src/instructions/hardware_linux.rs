//! The processor's counter of instructions, as Linux offers it (`perf_event_open`).

use std::io::{self, ErrorKind};

use perf_event::events::{self, Hardware};
use perf_event::{Builder, Counter as Event};

use super::{Counted, OTHERWISE};

/// Counts what the next process that this thread starts does in user space, from its `exec` on, with
/// what it starts in its turn.
#[derive(Debug)]
pub struct Counter(Result<Event, String>);

impl Counter {
    /// Opens it; where it can't be opened, reading says why.
    pub fn open() -> Self {
        Self::of(Hardware::INSTRUCTIONS)
    }

    fn of(event: impl events::Event) -> Self {
        let mut builder = Builder::new(event);
        // Inherited switched off, and on with `exec`: what this process does itself isn't counted.
        builder.enabled(false).inherit(true).enable_on_exec(true);
        Self(builder.build().map_err(|error| missing(&error)))
    }

    /// What was counted, once the process has ended.
    ///
    /// # Errors
    ///
    /// Why nothing was, in words.
    pub fn read(self) -> Counted {
        let mut event = self.0?;
        let data = event.read_count_and_time().map_err(|error| missing(&error))?;
        if data.time_running == 0 || data.count == 0 {
            return Err(format!("the processor's counter didn't run; {OTHERWISE}"));
        }
        if data.time_running < data.time_enabled {
            return Err(format!(
                "the processor's counter was shared with other programs and ran only part of the time; \
                 {OTHERWISE}"
            ));
        }
        Ok(data.count)
    }
}

fn missing(error: &io::Error) -> String {
    let why = match error.kind() {
        ErrorKind::NotFound | ErrorKind::Unsupported => {
            "this machine has no counter of instructions that programs may read (virtual ones often \
             have none)"
                .to_owned()
        }
        ErrorKind::PermissionDenied => {
            "the processor's counter may not be read: `/proc/sys/kernel/perf_event_paranoid` has to be \
             2 or less, and a container has to allow `perf_event_open`"
                .to_owned()
        }
        _ => format!("the processor's counter can't be read: {error}"),
    };
    format!("{why}; {OTHERWISE}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_process_is_counted_or_it_is_said_why_not() {
        let count = |times: &str| {
            let counter = Counter::open();
            let script = format!("i=0; while [ $i -lt {times} ]; do i=$((i+1)); done");
            assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
            counter.read()
        };
        match (count("100"), count("50000")) {
            (Ok(few), Ok(many)) => assert!(many > few + 50_000, "{few} and {many}"),
            // Others may want the counters meanwhile: then one is counted, and the other is not.
            (few, many) => {
                for why in [few, many].into_iter().filter_map(Result::err) {
                    assert!(why.contains("counter") && why.ends_with(OTHERWISE), "{why}");
                }
            }
        }
    }

    #[test]
    fn only_what_the_thread_starts_is_counted() {
        use perf_event::events::Software;

        // Of these the kernel itself keeps count, on any machine.
        let faults = |starts: bool| {
            let counter = std::thread::spawn(move || {
                let counter = Counter::of(Software::PAGE_FAULTS);
                let child = starts.then(|| Command::new("true").spawn().unwrap());
                (counter, child)
            });
            let (counter, child) = counter.join().unwrap();
            // Neither this process nor what another thread starts.
            let ours: Vec<u8> = std::hint::black_box(vec![1; 8 << 20]);
            assert!(Command::new("true").status().unwrap().success() && ours[9] == 1);
            if let Some(mut child) = child {
                assert!(child.wait().unwrap().success());
            }
            counter.read()
        };
        match (faults(true), faults(false)) {
            (Ok(count), Err(none)) => {
                assert!((1..2000).contains(&count), "{count}");
                assert!(none.contains("didn't run"), "{none}");
            }
            // Where even these may not be read.
            (Err(why), Err(_)) => assert!(why.contains("counter"), "{why}"),
            (_, Ok(count)) => panic!("{count} of what was not to be counted"),
        }
    }

    #[test]
    fn reasons_are_told_apart() {
        let of = |code| missing(&io::Error::from_raw_os_error(code));
        let [none, denied, other] = [2, 13, 22].map(of);
        assert!(none.starts_with("this machine has no counter"), "{none}");
        assert!(denied.contains("perf_event_paranoid"), "{denied}");
        assert!(other.contains("can't be read"), "{other}");
    }
}
