use hotpath_runtime::segment::reader::{Anchor, Calibration, Clock, ClockKind, Cost, Process};

use super::*;

/// A process that ran for 100 ticks of 1 ns.
fn process(blocks: Vec<LiveBlock>) -> Segment {
    let at = |ns| Anchor { ticks: ns, monotonic_ns: ns };
    Segment {
        process: Process {
            pid: 1,
            parent_pid: 0,
            command: String::new(),
            exited: true,
            forked: false,
        },
        clock: Clock {
            kind: ClockKind::System,
            start: at(1_000),
            end: at(1_100),
            system_reason: None,
            off_ppm: 0,
        },
        calibration: Calibration { inside: 8, ..Calibration::default() },
        memory: None,
        allocator: Vec::new(),
        retained: Some(reader::Retained { period: 1_000, dropped: 1, dropped_bytes: 9, blocks }),
        functions: Vec::new(),
        slabs: Vec::new(),
        private_bytes: 0,
        overflowed: 0,
    }
}

fn block(size: u64, born: u64) -> LiveBlock {
    LiveBlock { function: Some(0), site: Some(2), size, drawn: size, born }
}

fn live(segments: &[Segment]) -> Retained {
    let mut live = Live::default();
    for segment in segments {
        live.add(segment, Local { rate: Rate::new(1.0), functions: &[4], looks: None });
    }
    live.finish().expect("both were asked for it")
}

#[test]
fn a_small_block_stands_for_those_that_were_not_drawn() {
    // One in 1 / (1 - e^-0.01) = 100.5 of such blocks is drawn.
    let retained = live(&[process(vec![block(10, 1_001)])]);
    let site = retained.sites[0];
    assert_eq!((site.function, site.site, site.blocks), (Some(4), Some(2), 1));
    assert_eq!((site.bytes, site.error_bytes), (1_005, 1_000));
}

#[test]
fn a_large_block_stands_for_itself() {
    let site = live(&[process(vec![block(1 << 20, 1_001)])]).sites[0];
    assert_eq!((site.bytes, site.error_bytes), (1 << 20, 0));
}

#[test]
fn processes_add_up_by_quarters_of_their_runs() {
    let one = process(vec![block(50_000, 1_000), block(50_000, 1_030), block(50_000, 1_100)]);
    let two = process(vec![block(50_000, 1_099)]);
    let retained = live(&[one, two]);
    assert_eq!((retained.period_bytes, retained.dropped), (1_000, 2));
    assert_eq!(retained.sites[0].born_bytes, [50_000, 50_000, 0, 100_000]);
    assert_eq!(retained.sites[0].bytes, 200_000);
}

#[test]
fn nobody_asked_is_not_nothing_retained() {
    assert_eq!(Live::default().finish(), None);
    assert_eq!(live(&[process(Vec::new())]).sites, []);
}

#[test]
fn costs_are_means_without_the_clocks_part() {
    let mut one = process(Vec::new());
    let allocs = Cost { timed: 2, ticks: 40, squares: 10.0_f64.powi(2) + 30.0_f64.powi(2) };
    one.allocator = vec![
        reader::SizeClass { bytes: 8, ..reader::SizeClass::default() },
        reader::SizeClass { bytes: u64::MAX, allocs, frees: Cost::default() },
    ];
    let costs = allocator(&[one.clone(), one], &[Rate::new(1.0), Rate::new(1.0)]);
    assert_eq!(costs.len(), 1);
    assert_eq!((costs[0].max_bytes, costs[0].alloc.timed, costs[0].free.timed), (None, 4, 0));
    assert!((costs[0].alloc.mean_ns - 12.0).abs() < 1e-9);
    // Deviation of 10, 30, 10, 30: sqrt(400 / 3); of their mean half of it.
    assert!((costs[0].alloc.error_ns - (400.0_f64 / 3.0).sqrt() / 2.0).abs() < 1e-9);
}
