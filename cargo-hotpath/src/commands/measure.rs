//! Builds a workload, runs it as often as asked, and stores what was measured.

use std::ffi::OsString;

use crate::advise;
use crate::auto::{self, Copy, LeftOut, Plan};
use crate::cargo::build::{self, Built, Order};
use crate::cargo::config;
use crate::cargo::executable::Executable;
use crate::cargo::lock::BuildLock;
use crate::cargo::metadata::Workspace;
use crate::cargo::process::Launch;
use crate::cargo::profile;
use crate::cargo::select::Selection;
use crate::cargo::stdin::Input;
use crate::cli::Format;
use crate::environment;
use crate::error::{Error, Exit};
use crate::instructions;
use crate::interrupt::Interrupts;
use crate::options::RunOptions;
use crate::profile::Profile;
use crate::repeat::{self, Ask, Often, Repetitions, ending};
use crate::roots;
use crate::rules::Settings;
use crate::run_dir::{self, Build, Counting, CrateRoot, RECORD_VERSION, RunDir, RunRecord};
use crate::schema::{InstructionSource, Warning, Workload};
use crate::term::Term;
use crate::unhit;

/// What a workload did, however it ended.
pub(super) struct Outcome {
    /// As stored.
    pub(super) record: RunRecord,
    /// Each repetition.
    pub(super) repetitions: Repetitions,
    /// Where it is stored.
    pub(super) dir: RunDir,
    interrupts: Interrupts,
    failed_again: bool,
}

impl Outcome {
    /// How the workload went, unless it went well: that goes before what is denied of it.
    pub(super) fn failure(&self, term: &Term) -> Option<Exit> {
        let exit = conclude(&self.repetitions, &self.interrupts, term);
        exit.or(self.failed_again.then_some(Exit::Workload))
    }
}

/// Whether the verdict on these repetitions could be another with more of them.
pub(super) type Doubts<'a> = &'a dyn Fn(&RunRecord, &[Profile]) -> bool;

/// Builds the workload with probes, runs it, and stores what was measured. It runs as often as a
/// report takes, or, where there may be doubts, as a verdict does.
pub(super) fn carry_out(
    options: &RunOptions,
    workspace: &Workspace,
    selection: &Selection<'_>,
    (rules, doubts): (&Settings, Option<Doubts<'_>>),
    term: &Term,
) -> Result<Outcome, Error> {
    let here = std::env::current_dir().unwrap_or_else(|_| workspace.root().to_owned());
    let cargo_config = config::read(&here, workspace.root(), options.build.target.as_deref());
    let plan = auto::plan(workspace, selection, options, term)?;
    let job = Job {
        workspace,
        selection,
        options,
        config: &cargo_config,
        rules,
        doubts,
        plan: plan.as_ref(),
        is_pilot: plan.is_some() && options.runs != Some(1),
    };
    let interrupts = Interrupts::install();
    let dir = RunDir::create(&workspace.data_dir)?;
    let is_repeated =
        options.runs != Some(1) || options.instructions == Some(InstructionSource::Callgrind);
    let mut input = Input::plan(is_repeated, &dir.path).map_err(|source| {
        dir.discard();
        Error::output(dir.path.display(), source)
    })?;
    let measured = measure(&job, &dir, &mut input, (&interrupts, term));
    let first =
        measured.map_err(|error| interrupts.explain(error)).inspect_err(|_| dir.discard())?;
    let Measured { record, repetitions, failed_again, .. } =
        second_pass(&job, &dir, first, &mut input, (&interrupts, term));
    if let Some(name) = &options.save {
        run_dir::save_as(&workspace.data_dir, name, &dir.id)?;
    }
    Ok(Outcome { record, repetitions, dir, interrupts, failed_again })
}

/// Measures again without what the first pass was ended for; its own figures where it was not, or
/// where this fails.
fn second_pass(
    job: &Job<'_>,
    dir: &RunDir,
    first: Measured,
    input: &mut Input,
    (interrupts, term): (&Interrupts, &Term),
) -> Measured {
    let left_out = &first.left_out;
    if left_out.is_empty() {
        return first;
    }
    term.status(
        "Repeating",
        format_args!("without {} whose probes cost more than they tell", left_out.describe()),
    );
    let plan = auto::plan_without(job.workspace, job.selection, job.options, left_out);
    let again = plan.and_then(|plan| {
        let job = Job { plan: Some(&plan), is_pilot: false, ..*job };
        measure(&job, dir, input, (interrupts, term))
    });
    let (why, failed_again) = match again {
        Ok(second) if interrupts.received() => match second.repetitions.stored.len() {
            // One that was cut short tells less than a whole one.
            0 | 1 => ("was interrupted".to_owned(), false),
            _ => return second,
        },
        Ok(second) => match second.repetitions.failed() {
            Some((0, failed)) => (format!("failed: the workload {}", ending(failed)), true),
            // The first repetition ended well, and is what is reported.
            _ => return second,
        },
        Err(error) => (format!("failed: {error}"), false),
    };
    let message = format!("the figures are of the first pass, as the second {why}");
    term.warning(&message);
    let mut first = first;
    first.failed_again = failed_again;
    first.record.warnings.push(Warning { id: "first-pass".to_owned(), message });
    // What was stored is replaced by now. Should this fail too, only `report` is without it.
    for (index, profile) in first.repetitions.profiles.iter().enumerate() {
        let _ = profile.write(&dir.profile(index).1);
    }
    let _ = dir.finish(&first.record);
    first
}

/// How the workload went, unless it went well: that goes before what is denied of it.
fn conclude(repetitions: &Repetitions, interrupts: &Interrupts, term: &Term) -> Option<Exit> {
    if interrupts.received() {
        return Some(Exit::Interrupted);
    }
    let (_, failed) = repetitions.failed()?;
    term.warning(format_args!("the workload {}", ending(failed)));
    Some(Exit::Workload)
}

/// What is to be built and run.
#[derive(Clone, Copy)]
struct Job<'a> {
    workspace: &'a Workspace,
    selection: &'a Selection<'a>,
    options: &'a RunOptions,
    config: &'a config::Config,
    /// What is said of rules.
    rules: &'a Settings,
    /// Of the verdict, where there is to be one.
    doubts: Option<Doubts<'a>>,
    /// What is instrumented without annotation.
    plan: Option<&'a Plan>,
    /// Whether its first repetition decides if it does without some probes.
    is_pilot: bool,
}

/// What a pass gave.
struct Measured {
    record: RunRecord,
    repetitions: Repetitions,
    /// What it was ended for: another pass is to do without.
    left_out: LeftOut,
    /// Whether the workload failed in that other pass.
    failed_again: bool,
}

impl Job<'_> {
    /// Crates whose functions are measured.
    fn roots(&self) -> Vec<CrateRoot> {
        match self.plan {
            Some(plan) => plan.roots.clone(),
            None => roots::of_workload(self.workspace, self.selection),
        }
    }

    /// What costs more than it tells, by the first repetition.
    fn too_costly(&self, record: &RunRecord, first: &Repetitions) -> LeftOut {
        let profile = &first.profiles[record.reported];
        let root = self.workspace.root();
        let advice = advise::advise(record, profile, root, &self.options.report, self.rules);
        LeftOut::choose(&advice.report, &profile.probes)
    }

    /// Builds the user's workspace, or its copy.
    fn build(&self, interrupts: &Interrupts, term: &Term) -> Result<Built, Error> {
        let Self { workspace, selection, options, .. } = self;
        let manifest = &options.manifest;
        let Some(plan) = self.plan else {
            let (has_allocator, is_copy) = (false, false);
            let order = Order { workspace, selection, manifest, options, has_allocator, is_copy };
            return build::build(order, interrupts, term);
        };
        let copy = Copy::make(plan, workspace, selection, manifest, term)?;
        let order = Order {
            workspace: &copy.workspace,
            selection: &copy.selection(workspace, selection)?,
            manifest: &copy.manifest,
            options,
            has_allocator: plan.wraps_allocator,
            is_copy: true,
        };
        build::build(order, interrupts, term).inspect_err(|error| {
            if matches!(error, Error::Build) {
                term.warning(
                    "this was a copy with every function instrumented: where an error is about \
                     that, `--auto=GLOB` takes fewer, and `CARGO_HOTPATH_AUTO=0` none",
                );
            }
        })
    }
}

/// Builds and runs; what was measured is stored when this returns.
fn measure(
    job: &Job<'_>,
    dir: &RunDir,
    input: &mut Input,
    (interrupts, term): (&Interrupts, &Term),
) -> Result<Measured, Error> {
    let options = job.options;
    let lock = BuildLock::take(&job.workspace.data_dir, interrupts, term)?;
    let built = job.build(interrupts, term)?;
    let executable = Executable::keep(&built.executable, &dir.path)
        .map_err(|source| Error::output(dir.path.display(), source))?;
    drop(lock);
    let mut launch = Launch::new(job.selection, &built, executable, job.config, &options.args);
    launch.timeout = options.timeout;
    launch.plan.clone_from(&options.plan);
    launch.retained = options.retained;
    launch.instructions = options.instructions;
    launch.stdout_to_stderr =
        options.report.format != Format::Human && options.report.output.is_none();
    let mut left_out = LeftOut::default();
    let mut is_enough = |first: &Repetitions| {
        if job.is_pilot {
            left_out = job.too_costly(&record(job, &built, dir, first, interrupts), first);
        }
        !left_out.is_empty()
    };
    let mut is_doubtful = |all: &Repetitions| {
        let record = || record(job, &built, dir, all, interrupts);
        job.doubts.is_some_and(|doubts| doubts(&record(), &all.profiles))
    };
    let often = match job.doubts {
        Some(_) => Often::for_verdict(options.runs),
        None => Often::for_report(options.runs),
    };
    let root = job.workspace.root();
    let mut ask = Ask { is_enough: &mut is_enough, is_doubtful: &mut is_doubtful };
    let mut repetitions =
        repeat::repeat(&launch, often, (dir, root), input, &mut ask, (interrupts, term))?;
    if !repetitions.hit() {
        return Err(why_nothing(&repetitions, job, interrupts));
    }
    let warnings = warnings(&repetitions, &built, options, interrupts);
    repetitions.warnings.extend(warnings);
    repetitions.warnings.extend(job.plan.into_iter().flat_map(|plan| plan.warnings.clone()));
    let mut record = record(job, &built, dir, &repetitions, interrupts);
    record.warnings.extend(only_pass(job, &record, &repetitions));
    if let Err(error) = dir.finish(&record) {
        record.warnings.push(repeat::not_stored(&error));
    }
    Ok(Measured { record, repetitions, left_out, failed_again: false })
}

/// Where another pass would do without some probes, but one run was asked for.
fn only_pass(job: &Job<'_>, record: &RunRecord, only: &Repetitions) -> Option<Warning> {
    if job.plan.is_none() || job.options.runs != Some(1) {
        return None;
    }
    let costly = job.too_costly(record, only);
    (!costly.is_empty()).then(|| Warning {
        id: "one-pass".to_owned(),
        message: format!(
            "without `--runs 1` a second pass would leave out {} whose probes cost more than they tell",
            costly.describe()
        ),
    })
}

fn why_nothing(repetitions: &Repetitions, job: &Job<'_>, interrupts: &Interrupts) -> Error {
    if interrupts.received() {
        return Error::Interrupted;
    }
    unhit::reason(repetitions, job.plan.is_some(), || match job.plan {
        Some(plan) => plan.functions,
        None => advise::annotated(&job.roots(), job.workspace.root()),
    })
}

fn warnings(
    repetitions: &Repetitions,
    built: &Built,
    options: &RunOptions,
    interrupts: &Interrupts,
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |id: &str, message: String| {
        warnings.push(Warning { id: id.to_owned(), message });
    };
    let reported = repetitions.median();
    if interrupts.received() {
        warn("interrupted", "interrupted: the figures are of what ran until then".to_owned());
    } else if let Some((index, failed)) = repetitions.failed() {
        let ending = ending(failed);
        if failed.timed_out {
            warn("timed-out", format!("the workload {ending}"));
        } else if index != reported {
            // The report itself says how the repetition ended that it is of.
            let message = format!("in repetition {} the workload {ending}", index + 1);
            warn("repetition-failed", message);
        } else if failed.failure.is_some() {
            // Nothing that the report says of how the process ended tells of it.
            warn("drive-failed", format!("the workload {ending}"));
        }
    }
    if built.own_allocator && repetitions.profiles[reported].memory.is_none() {
        warn(
            "own-allocator",
            "the program has a global allocator of its own; to count allocations, wrap it: \
             `#[global_allocator] static ALLOCATOR: hotpath_runtime::Allocator<T> = \
             hotpath_runtime::Allocator::new(..);`"
                .to_owned(),
        );
    }
    if options.retained.is_some() && repetitions.profiles[reported].retained.is_none() {
        warn(
            "retained-not-measured",
            "no sample of live blocks could be kept: its table found no room beside the counters"
                .to_owned(),
        );
    }
    warnings
}

fn record(
    job: &Job<'_>,
    built: &Built,
    dir: &RunDir,
    repetitions: &Repetitions,
    interrupts: &Interrupts,
) -> RunRecord {
    let Job { workspace, selection, options, config, .. } = job;
    let reported = repetitions.median();
    let text =
        |words: &[OsString]| words.iter().map(|w| w.to_string_lossy().into_owned()).collect();
    let root = workspace.root();
    RunRecord {
        version: RECORD_VERSION,
        id: dir.id.clone(),
        started: dir.started.clone(),
        command: text(&std::env::args_os().collect::<Vec<_>>()),
        environment: environment::describe(
            root,
            &config.target,
            &options.profile,
            features(options),
        ),
        workload: Workload {
            kind: selection.kind.name().to_owned(),
            package: selection.package.name.to_string(),
            name: selection.target.name.clone(),
            args: text(&options.args),
            exit: repetitions.stored[reported].exit.clone(),
        },
        build: Build {
            opt_level: built.opt_level.clone(),
            debug_assertions: built.debug_assertions,
            manifest: roots::relative(selection.package.manifest_path.as_std_path(), root),
            codegen: profile::codegen(root, &config.profiles, &options.profile),
            own_allocator: Some(
                built.own_allocator || job.plan.is_some_and(|plan| plan.wraps_allocator),
            ),
        },
        roots: job.roots(),
        repetitions: repetitions.stored.clone(),
        reported,
        instructions: options
            .instructions
            .map(|source| Counting { source, reason: instructions::reason(&repetitions.counted) }),
        interrupted: interrupts.received(),
        warnings: repetitions.warnings.clone(),
    }
}

/// The features that the user asked for.
fn features(options: &RunOptions) -> Vec<String> {
    let asked = &options.features;
    let words = asked.features.iter().flat_map(|list| list.split([' ', ',']));
    let mut features: Vec<String> = words.filter(|w| !w.is_empty()).map(str::to_owned).collect();
    features.extend(asked.all_features.then(|| "--all-features".to_owned()));
    features.extend(asked.no_default_features.then(|| "--no-default-features".to_owned()));
    features
}
