//! What serde can't check in a profile: that its indices point at something.

use hotpath_runtime_syntax::Budget;

use super::{Allocs, Context, Profile, Row, Seen};

/// What all figures of a profile may add up to: far above what any run can measure (a thousand
/// threads for a year are below it), and low enough that no sum of them overflows later.
const LARGEST_TOTAL: u128 = 1 << 62;

/// No probe or allocation costs a quarter of an hour, and no error is larger than what it is of:
/// beyond these, sums and products of them end at infinity.
const LARGEST_COST_NS: f64 = 1e12;
const LARGEST_ERROR_NS: f64 = 1e19;

/// The first thing in `profile` that later stages could not rely on.
///
/// # Errors
///
/// Says which entry it is and what is wrong with it.
pub(super) fn check(profile: &Profile) -> Result<(), String> {
    budgets(profile)?;
    contexts(profile)?;
    rows(profile)?;
    retained(profile)?;
    if !costs_are_finite(profile) {
        return Err("probes holds a figure that is no finite number".to_owned());
    }
    let mut errors = (profile.contexts.iter().map(|context| context.error_ns))
        .chain(profile.rows.iter().map(|row| row.error_ns));
    if errors.any(|error| !error.is_finite() || error < 0.0) {
        return Err("an error_ns is no finite number of 0 or more".to_owned());
    }
    let looks = profile.timeline.as_ref().map_or(0.0, |timeline| timeline.effective_samples);
    if !looks.is_finite() || looks < 0.0 {
        return Err("timeline.effective_samples is no finite number of 0 or more".to_owned());
    }
    if !profile.is_possible() {
        return Err("its figures are more than any run can measure".to_owned());
    }
    Ok(())
}

impl Profile {
    /// Whether a run can have measured this, going by how much it is. Later stages may add up what
    /// they like of a profile that is possible.
    pub fn is_possible(&self) -> bool {
        let mut costs = costs(self);
        let mut errors = (self.contexts.iter().map(|context| context.error_ns))
            .chain(self.rows.iter().map(|row| row.error_ns));
        self.total() <= LARGEST_TOTAL
            && costs.all(|cost| (0.0..=LARGEST_COST_NS).contains(&cost))
            && errors.all(|error| (0.0..=LARGEST_ERROR_NS).contains(&error))
    }

    /// All counters and times together.
    pub(crate) fn total(&self) -> u128 {
        let whole = [self.wall_ns, self.cpu_ns.unwrap_or(0), self.outside_ns, self.processes]
            .into_iter()
            .chain([self.threads, self.lost_bytes, self.overflowed, self.unclean_exits])
            .chain([self.cold_ns, self.polling_threads])
            .chain(self.processor.iter().flat_map(|it| {
                let outside = [it.outside_ns, it.outside_error_ns].into_iter().flatten();
                [it.inside_ns, it.looks].into_iter().chain(outside)
            }));
        let timeline = self.timeline.iter().flat_map(|timeline| {
            let times = [timeline.samples, timeline.covered_ns].into_iter().chain(
                [timeline.sampler_cpu_ns, timeline.busy_ns, timeline.running_ns]
                    .into_iter()
                    .flatten(),
            );
            times.chain(seen(&timeline.outside))
        });
        let operations = self.allocator.iter().flat_map(|it| [it.alloc.timed, it.free.timed]);
        let retained = self.retained.iter().flat_map(|retained| {
            let sites = retained.sites.iter().flat_map(|site| {
                [site.blocks, site.bytes, site.error_bytes].into_iter().chain(site.born_bytes)
            });
            [retained.period_bytes, retained.dropped].into_iter().chain(sites)
        });
        let memory = self.memory.iter().flat_map(|memory| {
            let live = memory.live_bytes.unsigned_abs();
            [live, memory.peak_live_bytes, memory.error_bytes]
                .into_iter()
                .chain(allocs(&memory.outside))
        });
        let spans = |function: &super::Function| -> u128 {
            let sites = function.sites.iter().flat_map(|site| &site.histogram);
            sum(function.histogram.iter().chain(sites).map(|bucket| bucket.count))
        };
        sum(whole)
            + sum(memory)
            + sum(timeline)
            + sum(operations)
            + sum(retained)
            + self.functions.iter().map(spans).sum::<u128>()
            + self.contexts.iter().map(context).sum::<u128>()
            + self.rows.iter().map(row).sum::<u128>()
    }
}

/// Cannot overflow: there is no memory for 2^64 figures.
fn sum(figures: impl Iterator<Item = u64>) -> u128 {
    figures.map(u128::from).sum()
}

fn context(context: &Context) -> u128 {
    let polls = context
        .polls
        .iter()
        .flat_map(|polls| [polls.polls, polls.wait_ns, polls.cancelled, polls.future_bytes]);
    let back = context.back_edges.iter().flat_map(|edge| [edge.calls, edge.total_ns]);
    let own = [context.calls, context.timed, context.open, context.total_ns, context.self_ns];
    let rest = [context.max_ns, context.back_calls];
    let seen = context.timeline.iter().flat_map(seen);
    let counts = own.into_iter().chain(rest).chain(polls).chain(back).chain(seen);
    sum(counts.chain(allocs(&context.allocs)))
}

fn seen(seen: &Seen) -> impl Iterator<Item = u64> + use<> {
    let states = seen.states.map(|it| [it.running_ns, it.blocked_ns, it.alone_ns, it.wall_ns]);
    [seen.self_ns].into_iter().chain(states.into_iter().flatten())
}

fn row(row: &Row) -> u128 {
    let awaits = row.awaits.iter().flat_map(|awaits| {
        let waits = [awaits.wait_ns, awaits.nested_wait_ns];
        [awaits.polls, awaits.ready, awaits.cancelled].into_iter().chain(waits)
    });
    let own = [row.type_size, row.count, row.timed, row.self_ns, row.max_ns];
    let hold = row.hold.iter().flat_map(|hold| [hold.count, hold.timed, hold.ns, hold.max_ns]);
    sum(own
        .into_iter()
        .chain(awaits)
        .chain(hold)
        .chain(row.waiting)
        .chain(row.unreceived)
        .chain(allocs(&row.allocs)))
}

fn allocs(allocs: &Allocs) -> [u64; 8] {
    [
        allocs.count,
        allocs.bytes,
        allocs.reallocs,
        allocs.moved_bytes,
        allocs.grown_bytes,
        allocs.realloc_ns,
        allocs.frees,
        allocs.freed_bytes,
    ]
}

fn budgets(profile: &Profile) -> Result<(), String> {
    for (index, function) in profile.functions.iter().enumerate() {
        if let Err(error) = function.budget.parse::<Budget>() {
            return Err(format!("functions[{index}].budget: {error}"));
        }
    }
    Ok(())
}

fn contexts(profile: &Profile) -> Result<(), String> {
    for (index, context) in profile.contexts.iter().enumerate() {
        if context.function >= profile.functions.len() {
            return Err(format!(
                "contexts[{index}].function is {} but there are {} functions",
                context.function,
                profile.functions.len()
            ));
        }
        if let Some(parent) = context.parent.filter(|&parent| parent >= index) {
            return Err(format!("contexts[{index}].parent is {parent}, which doesn't come before"));
        }
        for edge in &context.back_edges {
            if edge.caller >= profile.contexts.len() {
                return Err(format!(
                    "contexts[{index}].back_edges names context {} of {}",
                    edge.caller,
                    profile.contexts.len()
                ));
            }
        }
    }
    Ok(())
}

fn rows(profile: &Profile) -> Result<(), String> {
    for (index, row) in profile.rows.iter().enumerate() {
        let Some(function) = profile.functions.get(row.function) else {
            return Err(format!(
                "rows[{index}].function is {} but there are {} functions",
                row.function,
                profile.functions.len()
            ));
        };
        if row.site >= function.sites.len() {
            return Err(format!(
                "rows[{index}].site is {} but its function has {} sites",
                row.site,
                function.sites.len()
            ));
        }
    }
    Ok(())
}

fn retained(profile: &Profile) -> Result<(), String> {
    let sites = profile.retained.iter().flat_map(|retained| &retained.sites);
    for (index, retained) in sites.enumerate() {
        let function = retained.function.map(|function| profile.functions.get(function));
        let is_known = match (function, retained.site) {
            (None | Some(Some(_)), None) => true,
            (Some(Some(function)), Some(site)) => site < function.sites.len(),
            _ => false,
        };
        if !is_known {
            return Err(format!(
                "retained.sites[{index}] is of a function or site that is not there"
            ));
        }
    }
    Ok(())
}

fn costs_are_finite(profile: &Profile) -> bool {
    costs(profile).all(f64::is_finite)
}

fn costs(profile: &Profile) -> impl Iterator<Item = f64> {
    let probes = &profile.probes;
    let operations = profile.allocator.iter().flat_map(|class| [class.alloc, class.free]);
    [
        probes.inside_ns,
        probes.function_ns,
        probes.expression_ns,
        probes.counted_ns,
        probes.alloc_ns,
        probes.free_ns,
        probes.function_inside_ns,
        probes.function_untimed_ns,
        probes.expression_inside_ns,
        probes.expression_untimed_ns,
        probes.poll_ns,
        probes.poll_untimed_ns,
        probes.awaited_ns,
        probes.charge_ns,
        probes.charge_open_ns,
        probes.hash_ns,
        probes.hidden_ns,
    ]
    .into_iter()
    .chain(operations.flat_map(|cost| [cost.mean_ns, cost.error_ns]))
}
