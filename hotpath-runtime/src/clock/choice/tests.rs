use super::*;
use crate::clock::machine::Host;

mod fake;

use fake::Fake;

fn sound() -> Watched {
    let rate = Some(Rate { slowest: 2.49, fastest: 2.51 });
    Watched { read_ns: 9.0, went_back: false, rates: [rate, rate] }
}

fn facts(watched: Watched) -> Facts {
    Facts {
        has_system: true,
        counter: Some(ClockKind::Tsc),
        is_invariant: true,
        is_trusted: true,
        watched: Some(watched),
    }
}

fn reason(facts: &Facts) -> Option<SystemReason> {
    let choice = decide(facts).unwrap();
    assert_eq!(choice.kind == ClockKind::System, choice.reason.is_some());
    choice.reason
}

#[test]
fn each_fact_alone_decides() {
    let good = facts(sound());
    assert_eq!(decide(&good), Some(Choice { kind: ClockKind::Tsc, reason: None }));
    assert_eq!(decide(&Facts { has_system: false, ..good }), None);
    assert_eq!(reason(&Facts { counter: None, ..good }), Some(SystemReason::NoCounter));
    assert_eq!(reason(&Facts { is_invariant: false, ..good }), Some(SystemReason::NotInvariant));
    assert_eq!(reason(&Facts { is_trusted: false, ..good }), Some(SystemReason::NotTrusted));
    assert_eq!(reason(&Facts { watched: None, ..good }), Some(SystemReason::Uneven));
    let watched = |watched| reason(&facts(watched));
    assert_eq!(watched(Watched { read_ns: 200.0, ..sound() }), None);
    assert_eq!(watched(Watched { read_ns: 201.0, ..sound() }), Some(SystemReason::Slow));
    assert_eq!(watched(Watched { went_back: true, ..sound() }), Some(SystemReason::WentBack));
}

#[test]
fn rates_disagree_only_where_no_rate_lies_in_both_ranges() {
    let with = |first: (f64, f64), second: (f64, f64)| {
        let rate = |(slowest, fastest)| Some(Rate { slowest, fastest });
        reason(&facts(Watched { rates: [rate(first), rate(second)], ..sound() }))
    };
    assert_eq!(with((2.4, 2.6), (2.5, 2.7)), None);
    assert_eq!(with((2.49, 2.50), (2.51, 2.52)), None);
    assert_eq!(with((2.49, 2.50), (2.55, 2.56)), Some(SystemReason::Uneven));
    assert_eq!(with((2.55, 2.56), (2.49, 2.50)), Some(SystemReason::Uneven));
    assert_eq!(with((0.1, 9.0), (2.55, 2.56)), None);
    assert_eq!(with((0.0, 0.0), (0.0, 0.0)), Some(SystemReason::Uneven));
}

#[test]
fn a_rate_that_could_not_be_measured_speaks_against_nothing_but_a_standstill_does() {
    let none = Watched { rates: [None; 2], ..sound() };
    assert_eq!(reason(&facts(none)), None);
    let still = Some(Rate { slowest: 0.0, fastest: 0.0 });
    assert_eq!(
        reason(&facts(Watched { rates: [None, still], ..sound() })),
        Some(SystemReason::Uneven)
    );
}

#[test]
fn a_sound_counter_is_taken_after_less_than_100_microseconds() {
    let fake = Fake::sound();
    assert_eq!(fake.choice(), Ok(ClockKind::Tsc));
    assert!(fake.now_ns.get() - 1_000_000 < 60_000, "{}", fake.now_ns.get());
    let watched = Facts::of(&fake).watched.unwrap();
    assert!((9.0..15.0).contains(&watched.read_ns), "{watched:?}");
    for rate in watched.rates.map(Option::unwrap) {
        assert!(rate.slowest <= 2.5 && 2.5 <= rate.fastest, "{rate:?}");
        assert!(rate.fastest - rate.slowest < 0.05, "{rate:?}");
    }
}

#[test]
fn a_slow_counter_is_taken_as_well() {
    // One of 24 MHz; and one of 1 MHz, the least that aarch64 may have.
    let fake =
        Fake { counter: Some(ClockKind::Cntvct), ticks: |ns| ns * 24 / 1_000, ..Fake::sound() };
    assert_eq!(fake.choice(), Ok(ClockKind::Cntvct));
    let fake = Fake { ticks: |ns| ns / 1_000, ..fake };
    assert_eq!(fake.choice(), Ok(ClockKind::Cntvct));
}

#[test]
fn a_counter_that_something_speaks_against_is_not_watched() {
    let fake = Fake { counter: None, ..Fake::sound() };
    assert_eq!(fake.choice(), Err(Some(SystemReason::NoCounter)));
    let fake = Fake { is_invariant: false, ..Fake::sound() };
    assert_eq!(fake.choice(), Err(Some(SystemReason::NotInvariant)));
    let fake = Fake { is_trusted: false, ..Fake::sound() };
    assert_eq!(fake.choice(), Err(Some(SystemReason::NotTrusted)));
    assert!(fake.now_ns.get() - 1_000_000 < 100);
}

#[test]
fn without_a_clock_of_the_system_there_is_none() {
    let fake = Fake { system: |_| None, ..Fake::sound() };
    assert_eq!(fake.choice(), Err(None));
    let fake = Fake { counter: None, ..fake };
    assert_eq!(fake.choice(), Err(None));
}

#[test]
fn a_counter_whose_readings_are_trapped_is_too_slow() {
    let fake = Fake { read_ns: 1_500, ..Fake::sound() };
    assert_eq!(fake.choice(), Err(Some(SystemReason::Slow)));
    assert!(fake.now_ns.get() - 1_000_000 < 50_000, "{}", fake.now_ns.get());
}

#[test]
fn a_counter_that_goes_back_is_refused() {
    // As after a move to a processor whose counter is behind.
    let fake =
        Fake { ticks: |ns| if ns < 1_030_000 { ns * 3 } else { ns * 3 - 20_000 }, ..Fake::sound() };
    assert_eq!(fake.choice(), Err(Some(SystemReason::WentBack)));
}

#[test]
fn a_counter_that_changes_its_rate_is_refused() {
    let slower = |ns: u64| ns * 3 - ns.saturating_sub(1_023_000) / 10;
    assert_eq!(Fake { ticks: slower, ..Fake::sound() }.choice(), Err(Some(SystemReason::Uneven)));
    let faster = |ns: u64| ns * 3 + ns.saturating_sub(1_023_000) / 10;
    assert_eq!(Fake { ticks: faster, ..Fake::sound() }.choice(), Err(Some(SystemReason::Uneven)));
}

#[test]
fn a_counter_that_jumps_or_stands_still_is_refused() {
    let jumps = |ns| if ns < 1_030_000 { ns * 3 } else { ns * 3 + 20_000 };
    assert_eq!(Fake { ticks: jumps, ..Fake::sound() }.choice(), Err(Some(SystemReason::Uneven)));
    assert_eq!(Fake { ticks: |_| 5, ..Fake::sound() }.choice(), Err(Some(SystemReason::Uneven)));
}

#[test]
fn a_thread_that_is_held_up_anywhere_changes_nothing() {
    let readings = {
        let fake = Fake::sound();
        assert_eq!(fake.choice(), Ok(ClockKind::Tsc));
        fake.readings.get()
    };
    // Each of the first ones, which time the readings, then some of the many of the intervals.
    for at in (0..100).chain((100..readings).step_by(37)) {
        for ns in [300, 7_000, 4_000_000] {
            let held_up = Box::new(move |reading| if reading == at { ns } else { 0 });
            let fake = Fake { held_up, ..Fake::sound() };
            assert_eq!(fake.choice(), Ok(ClockKind::Tsc), "for {ns} ns before reading {at}");
        }
        let held_up = Box::new(move |reading| if reading % 5 == at % 5 { 11_000 } else { 0 });
        // Held up in every batch, its readings may seem slow; never uneven.
        let choice = Fake { held_up, ..Fake::sound() }.choice();
        assert!(matches!(choice, Ok(_) | Err(Some(SystemReason::Slow))), "{choice:?}");
    }
}

#[test]
fn a_coarse_system_clock_gives_no_false_alarm_and_no_endless_wait() {
    let fake =
        Fake { system: |ns| Some(ns / 1_000 * 1_000), resolution_ns: 1_000, ..Fake::sound() };
    assert_eq!(fake.choice(), Ok(ClockKind::Tsc));
    // Moves every 4 ms: nothing can be held against it.
    let fake =
        Fake { system: |ns| Some(ns / 4_000_000 * 4_000_000), resolution_ns: 4_000_000, ..fake };
    assert_eq!(fake.choice(), Ok(ClockKind::Tsc));
    let fake = Fake { system: |_| Some(7), resolution_ns: 1, ..fake };
    assert_eq!(fake.choice(), Ok(ClockKind::Tsc));
}

#[test]
fn this_machine_answers() {
    let facts = Facts::of(&Host);
    assert!(facts.has_system);
    assert_eq!(facts.counter.is_some(), cfg!(any(target_arch = "x86_64", target_arch = "aarch64")));
    assert_eq!(facts.watched.is_some(), facts.is_trusted);
    assert!(decide(&facts).is_some());
}
