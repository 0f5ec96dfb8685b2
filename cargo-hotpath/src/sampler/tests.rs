use std::fs;

use super::*;

/// Waits until a sampler has looked around for a while.
fn sampled(directory: &Path, meanwhile: impl FnOnce()) -> Samples {
    let sampler = Sampler::start(directory);
    thread::sleep(Duration::from_millis(20));
    meanwhile();
    thread::sleep(Duration::from_millis(20));
    sampler.stop().expect("it ran")
}

#[test]
fn nothing_to_look_at_is_no_fault() {
    let directory = tempfile::tempdir().unwrap();
    let samples = sampled(directory.path(), || {});
    assert_eq!((samples.looks, samples.covered_ns), (0, 0));
    assert!(samples.elapsed_ns >= 40_000_000);
    // It may be none: there are systems that count CPU time in steps of 10 ms.
    assert!(samples.cpu_ns.is_some());
    assert_eq!(sampled(Path::new("/nonexistent/counters"), || {}).looks, 0);
}

#[test]
fn files_that_are_no_segments_or_vanish_are_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("1-0000000000000000.segment"), vec![0; 8192]).unwrap();
    fs::write(path("2-0000000000000000.segment"), b"hotpath\x01").unwrap();
    fs::write(path("3.failed-28"), b"").unwrap();
    fs::create_dir(path("4-0000000000000000.segment")).unwrap();
    let samples = sampled(directory.path(), || {
        fs::remove_file(path("1-0000000000000000.segment")).unwrap();
        fs::write(path("2-0000000000000000.segment"), b"").unwrap();
    });
    assert_eq!(samples.looks, 0);
}

#[test]
fn a_sampler_that_is_dropped_ends() {
    let directory = tempfile::tempdir().unwrap();
    let stop = {
        let sampler = Sampler::start(directory.path());
        Arc::downgrade(&sampler.stop)
    };
    assert!(stop.upgrade().is_none(), "its thread has ended");
}

#[test]
fn a_pause_ends_when_it_is_stopped() {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let pausing = thread::spawn(move || pause(Duration::MAX, &stopped));
    stop.store(true, Relaxed);
    pausing.thread().unpark();
    assert!(!pausing.join().unwrap());
    assert!(pause(Duration::ZERO, &AtomicBool::new(false)));
}
