//! The report of a run: assembled once as data, which every format then prints.

mod breakdown;
pub mod budgets;
pub mod comparison;
pub(crate) mod functions;
pub mod github;
mod heap;
pub mod human;
mod instructions;
mod issues;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod prose;
mod quality;
pub mod sarif;
mod sites;

use hotpath_runtime::hotpath;

use crate::facts::Facts;
use crate::profile::{Allocs, Profile};
use crate::rank::Ranked;
use crate::schema::{
    Edge, Environment, Instructions, Report, Run, SCHEMA_VERSION, Tool, Totals, Warning, Workload,
};

/// All that a report is made of.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// What was measured, joined with the source.
    pub facts: &'a Facts,
    /// The profile that the facts are from, for totals and for what went wrong.
    pub profile: &'a Profile,
    /// Findings.
    pub ranked: Ranked,
    /// Machine, toolchain and source state.
    pub environment: Environment,
    /// What ran.
    pub workload: Workload,
    /// The arguments of `cargo hotpath` that measured it.
    pub command: Vec<String>,
    /// Every repetition.
    pub runs: Vec<Run>,
    /// Instructions that it ran, where they were asked for.
    pub instructions: Option<Instructions>,
    /// Caveats that earlier stages have met.
    pub warnings: Vec<Warning>,
    /// Whether the workload was stopped before its end.
    pub cut_short: bool,
    /// Whether it was stopped as planned, so that its exit says nothing.
    pub stopped: bool,
}

/// Puts the report together.
#[hotpath]
pub fn assemble(inputs: Inputs<'_>) -> Report {
    let Inputs { facts, profile, ranked, .. } = &inputs;
    let quality = quality::quality(&inputs);
    let totals = Totals { instructions: inputs.instructions.clone(), ..totals(facts, profile) };
    let breakdown = breakdown::breakdown(facts);
    let functions = functions::functions(facts);
    let sites = sites::sites(facts);
    Report {
        schema_version: SCHEMA_VERSION,
        tool: Tool {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        quality,
        totals,
        breakdown,
        functions,
        sites,
        edges: edges(facts),
        findings: ranked.findings.clone(),
        combined: ranked.combined.clone(),
        budgets: Vec::new(),
        allocator: heap::allocator(profile),
        retained: heap::retained(facts, profile),
        environment: inputs.environment,
        workload: inputs.workload,
        command: inputs.command,
        runs: inputs.runs,
    }
}

fn totals(facts: &Facts, profile: &Profile) -> Totals {
    let allocs = facts.allocations_measured.then(|| {
        let outside = profile.memory.as_ref().map_or_else(Allocs::default, |memory| memory.outside);
        facts.functions.iter().fold(outside, |sum, function| Allocs {
            count: sum.count + function.self_allocs.count,
            bytes: sum.bytes + function.self_allocs.bytes,
            reallocs: sum.reallocs + function.self_allocs.reallocs,
            frees: sum.frees + function.self_allocs.frees,
            ..sum
        })
    });
    Totals {
        wall_ns: facts.wall_ns,
        cpu_ns: facts.cpu_ns,
        outside_ns: facts.outside_ns,
        idle_ns: facts.idle_ns(),
        busy_cpu_ns: facts.processor.map(|processor| processor.inside_ns),
        outside_cpu_ns: facts.processor.and_then(|processor| processor.outside_ns),
        outside_cpu_error_ns: facts.processor.and_then(|processor| processor.outside_error_ns),
        allocs: allocs.map(|allocs| allocs.count),
        alloc_bytes: allocs.map(|allocs| allocs.bytes),
        reallocs: allocs.map(|allocs| allocs.reallocs),
        frees: allocs.map(|allocs| allocs.frees),
        peak_live_bytes: profile.memory.as_ref().map(|memory| memory.peak_live_bytes),
        instructions: None,
    }
}

fn edges(facts: &Facts) -> Vec<Edge> {
    let id = |index: usize| facts.functions.get(index).map(|function| function.id.clone());
    let mut edges: Vec<Edge> = facts
        .edges
        .iter()
        .filter_map(|edge| {
            Some(Edge {
                caller: edge.caller.and_then(id),
                callee: id(edge.callee)?,
                calls: edge.calls,
                total_ns: edge.total_ns,
            })
        })
        .collect();
    edges.sort_by(|a, b| {
        b.total_ns
            .cmp(&a.total_ns)
            .then_with(|| (&a.caller, &a.callee).cmp(&(&b.caller, &b.callee)))
    });
    edges
}

/// Share of all threads' measured time, without that in which they were idle outside of it.
fn share_of_threads(facts: &Facts, ns: f64) -> f64 {
    let measured: u64 = facts.functions.iter().map(|function| function.self_ns).sum();
    let all = (measured + facts.active_outside_ns()) as f64;
    // Rounded down, so that shares of the same whole never sum to more than 100.
    if all > 0.0 { (1e6 * ns / all).clamp(0.0, 1e6).floor() / 1e4 } else { 0.0 }
}

#[cfg(test)]
pub(crate) mod tests;
