//! How far a run's figures can be trusted: what to know before reading on.

use crate::facts::{Facts, FunctionFacts};
use crate::impact::{Workload, round_pct};
use crate::report::Inputs;
use crate::schema::{Measurement, Quality, Range, Run, Timeline, Warning};
use crate::units;

/// Share of wall time taken by probes from which it is said, in percent.
const OVERHEAD_PCT: f64 = 10.0;

/// Spread of the repetitions from which it is said, in percent.
const NOISE_PCT: f64 = 5.0;

/// Wall time below which start and end of the process weigh in.
const SHORT_NS: u64 = 20_000_000;

/// Calls from which a tiny function's probes weigh.
const TINY_CALLS: u64 = 100_000;

/// Self times against CPU time from which it is said that they hold waiting.
const WAITED: f64 = 2.0;

/// The same as a difference: below that it is the start of the process.
const WAITED_NS: f64 = 100e6;

/// Mean self time below which a call is mostly its probe.
const TINY_NS: u64 = 50;

/// The verdict on the run, with what earlier stages had to say first.
pub(super) fn quality(inputs: &Inputs<'_>) -> Quality {
    let (facts, profile) = (inputs.facts, inputs.profile);
    let overhead = overhead_pct(inputs);
    let noise_pct = noise_pct(&inputs.runs);
    let truncated = inputs.cut_short || profile.lost_bytes > 0 || profile.overflowed > 0;
    let mut warnings = inputs.warnings.clone();
    warnings.extend(invalid(inputs));
    warnings.extend(lost(inputs));
    warnings.extend(imprecise(inputs, overhead, noise_pct));
    warnings.extend(profile.notes.iter().map(|note| warning("note", note.clone())));
    let mut seen = Vec::new();
    warnings.retain(|warning| {
        let is_new = !seen.contains(warning);
        seen.push(warning.clone());
        is_new
    });
    let allocations =
        if facts.allocations_measured { Measurement::Measured } else { Measurement::NotMeasured };
    Quality {
        warnings,
        overhead_pct: overhead.map(|overhead| overhead.best),
        overhead_range_pct: overhead,
        cold_ns: facts.cold_ns,
        noise_pct: noise_pct.map(round_pct),
        truncated,
        allocations,
        timeline: timeline(facts),
        allowed_rules: inputs.ranked.allowed.clone(),
    }
}

/// How the threads were looked at from outside, and what that cost.
fn timeline(facts: &Facts) -> Option<Timeline> {
    let timeline = facts.timeline.as_ref().filter(|timeline| timeline.samples > 0)?;
    let of_wall = |ns: u64| round_pct(100.0 * ns as f64 / facts.wall_ns.max(1) as f64);
    Some(Timeline {
        samples: timeline.samples,
        effective_samples: timeline.effective_samples.round(),
        interval_ns: timeline.covered_ns / timeline.samples,
        covered_pct: of_wall(timeline.covered_ns).min(100.0),
        sampler_cpu_ns: timeline.sampler_cpu_ns,
        sampler_cpu_pct: timeline.sampler_cpu_ns.map(of_wall),
        parallelism: facts.parallelism().map(|threads| (1e3 * threads).round() / 1e3),
    })
}

fn warning(id: &str, message: impl Into<String>) -> Warning {
    Warning { id: id.to_owned(), message: message.into() }
}

/// What puts the whole run in question.
fn invalid(inputs: &Inputs<'_>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if inputs.ranked.findings.iter().any(|finding| finding.rule == "build-debug") {
        warnings.push(warning(
            "unoptimised-build",
            "the build is not optimised: shares and findings may not hold for a release build",
        ));
    }
    let exit = &inputs.workload.exit;
    let how = match (exit.signal, exit.code) {
        (Some(signal), _) => Some(format!("was ended by signal {signal}")),
        (None, Some(code)) if code != 0 => Some(format!("exited with code {code}")),
        _ => None,
    };
    if let Some(how) = how.filter(|_| !inputs.cut_short && !inputs.stopped) {
        warnings.push(warning(
            "workload-failed",
            format!("the workload {how}: figures cover the time until then"),
        ));
    }
    warnings
}

/// What is missing.
fn lost(inputs: &Inputs<'_>) -> Vec<Warning> {
    let (facts, profile) = (inputs.facts, inputs.profile);
    let mut warnings = Vec::new();
    if inputs.cut_short {
        warnings.push(warning("cut-short", "the workload was stopped before its end"));
    }
    if profile.lost_bytes > 0 || profile.overflowed > 0 {
        warnings.push(warning(
            "counters-lost",
            format!(
                "{} of counters found no room and {} went past a limit: figures are too low",
                units::bytes(profile.lost_bytes),
                units::counted(profile.overflowed, "count")
            ),
        ));
    }
    let dropped = profile.retained.as_ref().map_or(0, |retained| retained.dropped);
    if dropped > 0 {
        warnings.push(warning(
            "retained-dropped",
            format!(
                "{} of the sample of live blocks found no room: retained bytes are too low; \
                 sample fewer with a larger --retained",
                units::counted(dropped, "block")
            ),
        ));
    }
    if profile.unclean_exits > 0 && inputs.workload.exit.code.is_some() {
        warnings.push(warning(
            "unclean-exit",
            format!(
                "{} of {} processes ended without their exit handlers (abort or signal)",
                profile.unclean_exits, profile.processes
            ),
        ));
    }
    if !facts.allocations_measured && facts.wall_ns > 0 {
        warnings.push(warning(
            "allocations-not-measured",
            "allocations were not measured: no counting allocator was installed",
        ));
    }
    warnings
}

/// What makes the figures coarse.
fn imprecise(inputs: &Inputs<'_>, overhead: Option<Range>, noise: Option<f64>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if let Some(overhead) = overhead.filter(|overhead| overhead.best >= OVERHEAD_PCT) {
        warnings.push(warning(
            "overhead",
            format!(
                "probes took {} to {} of the CPU time, and more where they kept calls from being \
                 inlined; the range is taken out of the estimates{}",
                units::percent_number(overhead.low),
                units::percent(overhead.high),
                tiny(inputs.facts).unwrap_or_default()
            ),
        ));
    }
    if let Some(pct) = noise.filter(|pct| *pct >= NOISE_PCT) {
        warnings.push(warning(
            "noise",
            format!("repetitions differ by {}: smaller gains can't be told", units::percent(pct)),
        ));
    }
    if inputs.facts.wall_ns > 0 && inputs.facts.wall_ns < SHORT_NS {
        warnings.push(warning(
            "short-run",
            format!(
                "the workload ran for {} only: give it more to do",
                units::time(inputs.facts.wall_ns as f64)
            ),
        ));
    }
    warnings.extend(waited(inputs.facts));
    let allocs: Vec<u64> = inputs.runs.iter().filter_map(|run| run.allocs).collect();
    if allocs.iter().min() != allocs.iter().max() {
        warnings.push(warning(
            "allocations-differ",
            "the number of allocations differs between repetitions",
        ));
    }
    warnings
}

/// Self times are elapsed time: of functions that waited they say little about work.
fn waited(facts: &Facts) -> Option<Warning> {
    let measured: u64 = facts.functions.iter().map(|function| function.self_ns).sum();
    let cpu = facts.cpu_ns? as f64;
    let waited = measured as f64 - cpu;
    (waited >= WAITED_NS && measured as f64 >= WAITED * cpu).then(|| {
        warning(
            "waited",
            format!(
                "self times add up to {}, CPU time to {} only: in the rest functions were blocked, \
                 or the thread had no processor",
                units::time(measured as f64),
                units::time(cpu)
            ),
        )
    })
}

/// The functions that are called most and do least each time: what to leave out.
fn tiny(facts: &Facts) -> Option<String> {
    let is_tiny = |function: &&FunctionFacts| {
        function.calls >= TINY_CALLS && function.self_ns / function.calls < TINY_NS
    };
    let mut functions: Vec<&FunctionFacts> = facts.functions.iter().filter(is_tiny).collect();
    functions.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.path.cmp(&b.path)));
    let names: Vec<String> =
        functions.iter().take(3).map(|function| format!("`{}`", function.path)).collect();
    (!names.is_empty()).then(|| {
        format!(
            "; `#[hotpath(skip)]` on the tiniest gives the program its pace back: {}",
            names.join(", ")
        )
    })
}

/// Share of the measured CPU time that the probes took; `None` without a calibration.
fn overhead_pct(inputs: &Inputs<'_>) -> Option<Range> {
    let facts = inputs.facts;
    (facts.wall_ns > 0 && facts.probes.function_ns > 0.0)
        .then(|| Workload::new(facts).overhead_pct(facts))
}

/// Standard deviation of the repetitions' wall times over their mean; `None` with one.
fn noise_pct(runs: &[Run]) -> Option<f64> {
    if runs.len() < 2 {
        return None;
    }
    let count = runs.len() as f64;
    let mean = runs.iter().map(|run| run.wall_ns as f64).sum::<f64>() / count;
    let squares: f64 = runs.iter().map(|run| (run.wall_ns as f64 - mean).powi(2)).sum();
    (mean > 0.0).then(|| 100.0 * (squares / (count - 1.0)).sqrt() / mean)
}
