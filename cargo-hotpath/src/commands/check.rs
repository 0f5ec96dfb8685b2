//! `check`: budgets, the baseline and denied rules, of a new run or of stored ones.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::advise::{self, Advice};
use crate::auto;
use crate::baseline::{Baselines, DEFAULT};
use crate::cargo::metadata::Workspace;
use crate::cargo::select;
use crate::cli::{CheckArgs, Format};
use crate::commands::{baseline, measure};
use crate::config::Config;
use crate::deliver;
use crate::error::{Error, Exit};
use crate::gate;
use crate::interrupt::Interrupts;
use crate::judge::{self, JudgeError, Verdict};
use crate::options::{RunOptions, check_name};
use crate::profile::Profile;
use crate::repeat::LEAST_FOR_VERDICT;
use crate::report::{budgets, github};
use crate::roots;
use crate::rules::Level;
use crate::run_dir::{self, CrateRoot, RunRecord};
use crate::schema::{Budget, BudgetOrigin, BudgetStatus, Report};
use crate::snapshot::Snapshot;
use crate::source::SourceFunction;
use crate::stored;
use crate::term::Term;
use crate::update;

/// Judges, and with `--update` takes over what was measured.
pub fn check(args: CheckArgs, term: &Term) -> Result<Exit, Error> {
    let CheckArgs { stored, baseline, update, run } = args;
    let mut options = RunOptions::try_from(run)?;
    if let Some(few @ ..LEAST_FOR_VERDICT) = options.runs {
        options.runs = Some(LEAST_FOR_VERDICT);
        term.warning(format_args!(
            "a verdict takes {LEAST_FOR_VERDICT} repetitions at least, not {few}: fewer don't tell \
             what the program does each time"
        ));
    }
    if let Some(name) = &baseline {
        check_name(name)?;
    }
    deliver::check_all(&options.report)?;
    let workspace = Workspace::load(&options.manifest, options.build.target_dir.as_deref())?;
    let mut desk = Desk {
        baselines: Baselines::load(workspace.root())?,
        config: Config::default(),
        workspace: &workspace,
        options: &options,
        baseline,
        update,
        term,
    };
    if let (Some(name), false) = (&desk.baseline, update) {
        desk.baselines.find(name)?;
    }
    if stored.is_empty() { desk.run() } else { desk.stored(&stored) }
}

/// What a check works with.
struct Desk<'a> {
    workspace: &'a Workspace,
    options: &'a RunOptions,
    config: Config,
    baselines: Baselines,
    /// As asked for.
    baseline: Option<String>,
    update: bool,
    term: &'a Term,
}

/// What is judged.
struct Case {
    record: RunRecord,
    advice: Advice,
    new: Snapshot,
}

/// What seems to be wrong, and may be so by chance.
fn doubt(verdict: Option<&Verdict>, report: &Report) -> Option<&'static str> {
    if verdict.is_some_and(Verdict::is_broken) {
        return Some("a budget seems to be broken");
    }
    let is_denied = report.findings.iter().any(|finding| finding.denied);
    is_denied.then_some("a rule that is denied seems to be broken")
}

impl Desk<'_> {
    fn run(&mut self) -> Result<Exit, Error> {
        let (workspace, options) = (self.workspace, self.options);
        let selection = select::select(workspace, options.package.as_deref(), &options.choice)?;
        self.config = Config::load(workspace, &selection.package.name)?;
        if !self.config.budgets.is_empty() {
            // Before anything is built; what is said of the plan is said when that is done.
            let term = Term { quiet: true, ..self.term.clone() };
            let plan = auto::plan(workspace, &selection, options, &term)?;
            self.foresee(&plan.map(|plan| plan.roots).unwrap_or_default())?;
        }
        let rules = &self.config.rules;
        let doubts = |record: &RunRecord, profiles: &[Profile]| self.is_broken(record, profiles);
        let with = (rules, Some(&doubts as measure::Doubts<'_>));
        let outcome = measure::carry_out(options, workspace, &selection, with, self.term)?;
        let record = outcome.record.clone();
        let profiles = &outcome.repetitions.profiles;
        let root = workspace.root();
        let reported = &profiles[record.reported];
        let advice = advise::advise(&record, reported, root, &options.report, rules);
        if let Some(exit) = outcome.failure(self.term) {
            self.term
                .warning("nothing was judged: the counts of a workload that failed aren't whole");
            deliver::deliver(&advice, &options.report, self.term)?;
            return Ok(exit);
        }
        let new = stored::of_profiles(&record, profiles, root);
        self.term.detail("Stored", outcome.dir.path.display());
        self.check_entries(&record.roots, &advice.report)?;
        self.judge(Case { record, advice, new })
    }

    /// Whether these repetitions break a budget or a denied rule, so that more of them are to rule chance out.
    fn is_broken(&self, record: &RunRecord, profiles: &[Profile]) -> bool {
        if self.update {
            return false;
        }
        let (root, rules) = (self.workspace.root(), &self.config.rules);
        let report = &self.options.report;
        let advice = advise::advise(record, &profiles[record.reported], root, report, rules);
        let new = stored::of_profiles(record, profiles, root);
        let case = Case { record: record.clone(), advice, new };
        // What can't be judged is said when all is done.
        let name = self.baseline_of(&case.new).ok().flatten();
        let verdict = self.verdict(&case, name.as_deref()).ok();
        let doubt = doubt(verdict.as_ref(), &case.advice.report);
        if let Some(what) = doubt {
            self.term.status("Repeating", format_args!("to rule chance out: {what}"));
        }
        doubt.is_some()
    }

    fn stored(&mut self, names: &[String]) -> Result<Exit, Error> {
        let (root, data_dir) = (self.workspace.root(), &self.workspace.data_dir);
        let dirs: Vec<PathBuf> =
            names.iter().map(|name| run_dir::find(data_dir, name)).collect::<Result<_, _>>()?;
        let new = stored::snapshot(&dirs, root)?;
        let (record, profile) = stored::load(&dirs[dirs.len() - 1])?;
        self.config = Config::load(self.workspace, &record.workload.package)?;
        let report = &self.options.report;
        let mut advice = advise::advise(&record, &profile, root, report, &self.config.rules);
        // The figures are of the last; what is judged is all of them.
        advice.report.runs = stored::runs(&dirs)?;
        self.check_entries(&record.roots, &advice.report)?;
        // What is left takes no time, and may change several files: Ctrl-C waits until all are. Where a
        // workload was run it does so anyway.
        let interrupts = self.update.then(Interrupts::install);
        let exit = self.judge(Case { record, advice, new })?;
        let is_interrupted = interrupts.is_some_and(|it| it.received());
        Ok(if is_interrupted { Exit::Interrupted } else { exit })
    }

    /// Says before the build which entries seem to be for nothing: the source isn't all, as macros
    /// and build scripts write functions, too. Those that contradict each other are an error already.
    fn foresee(&self, roots: &[CrateRoot]) -> Result<(), JudgeError> {
        let known = self.paths_of_source(roots);
        if let Err(error) = self.check_known(&known) {
            self.term.warning(format_args!("{error} that the source shows; {}", error.hint()));
        }
        judge::check_entries(&self.config.budgets, known.iter().map(String::as_str))
    }

    /// Whether each entry is for something: for functions that are annotated anywhere in the
    /// workspace, measured, or in these crates.
    fn check_entries(&self, roots: &[CrateRoot], report: &Report) -> Result<(), JudgeError> {
        if self.config.budgets.is_empty() {
            return Ok(());
        }
        let known = self.known(roots, report);
        self.check_known(&known)?;
        judge::check_entries(&self.config.budgets, known.iter().map(String::as_str))
    }

    fn known(&self, roots: &[CrateRoot], report: &Report) -> BTreeSet<String> {
        let mut known = self.paths_of_source(roots);
        known.extend(report.functions.iter().map(|it| it.path.clone()));
        known
    }

    fn check_known(&self, known: &BTreeSet<String>) -> Result<(), JudgeError> {
        let members = self.workspace.members();
        let all = || self.paths(&roots::of_every_target(self.workspace, &members));
        judge::check_matches(&self.config.budgets, known, &all)
    }

    fn paths_of_source(&self, roots: &[CrateRoot]) -> BTreeSet<String> {
        let members = self.workspace.members();
        let mut known = self.paths(&roots::of_packages(self.workspace, &members));
        known.extend(self.paths(roots));
        known
    }

    fn paths(&self, roots: &[CrateRoot]) -> BTreeSet<String> {
        let path = |it: &SourceFunction| format!("{}::{}", it.module, it.name);
        advise::scan(roots, self.workspace.root()).functions().iter().map(path).collect()
    }

    fn judge(&mut self, mut case: Case) -> Result<Exit, Error> {
        let name = self.baseline_of(&case.new)?;
        let mut verdict = self.verdict(&case, name.as_deref())?;
        if self.update {
            let name = name.or_else(|| self.baseline.clone()).unwrap_or_else(|| DEFAULT.to_owned());
            self.take_over(&case, &verdict, &name)?;
            verdict = self.verdict(&case, Some(&name))?;
        }
        let is_broken = verdict.is_broken();
        case.advice.report.budgets = verdict.budgets;
        case.advice.report.quality.warnings.extend(verdict.warnings);
        let is_closed = match self.deliver(&case) {
            Err(Error::Closed) => true,
            delivered => delivered.map(|()| false)?,
        };
        let denied = gate::judge(&case.advice.report, self.term);
        match if is_broken { Exit::Gate } else { denied } {
            // A reader that has seen enough is no failure, but no pass either.
            exit if is_closed && exit != Exit::Gate => Err(Error::Closed),
            exit => Ok(exit),
        }
    }

    fn verdict(&self, case: &Case, name: Option<&str>) -> Result<Verdict, Error> {
        let baseline = name.map(|name| Ok::<_, Error>((name, self.baselines.find(name)?)));
        let baseline = baseline.transpose()?;
        let denies = self.config.rules.any(Level::Deny);
        let has_attribute = case.new.index.values().any(|known| !known.budget.is_empty());
        let is_limited = !self.config.budgets.is_empty() || has_attribute;
        if baseline.is_none() && !is_limited && !denies && !self.update {
            return Err(JudgeError::Nothing.into());
        }
        // The first one is held against itself: so what can't be judged is known before it is kept.
        let first = self.update.then_some((DEFAULT, &case.new));
        let baseline = baseline.or(first);
        Ok(judge::judge(&judge::Inputs {
            new: &case.new,
            report: &case.advice.report,
            baseline,
            entries: &self.config.budgets,
        })?)
    }

    /// The baseline that was asked for, or the one of this workload.
    fn baseline_of(&self, new: &Snapshot) -> Result<Option<String>, Error> {
        let other = |name: &str, found: &Snapshot| JudgeError::OtherWorkload {
            name: name.to_owned(),
            found: found.workload.describe(),
            wanted: new.workload.describe(),
        };
        if let Some(name) = &self.baseline {
            if self.update && self.baselines.get(name).is_none() {
                return Ok(None);
            }
            let found = self.baselines.find(name)?;
            if !found.workload.is_target_of(&new.workload) {
                return Err(other(name, found).into());
            }
            return Ok(Some(name.clone()));
        }
        let of_this =
            self.baselines.all().filter(|(_, it)| it.workload.is_target_of(&new.workload));
        let names: Vec<String> = of_this.map(|(name, _)| name.to_owned()).collect();
        match names.as_slice() {
            names if names.iter().any(|name| name == DEFAULT) => Ok(Some(DEFAULT.to_owned())),
            // Without a name an update writes the default one, whatever others there are.
            names if names.is_empty() || self.update => match self.baselines.get(DEFAULT) {
                // It would be replaced by one of something else.
                Some(found) if self.update => Err(other(DEFAULT, found).into()),
                _ => Ok(None),
            },
            [only] => Ok(Some(only.clone())),
            _ => Err(JudgeError::ManyBaselines { names }.into()),
        }
    }

    /// Raises limits and sets the baseline to what was measured: each change is said before it is made, and
    /// all are made or none.
    fn take_over(&mut self, case: &Case, verdict: &Verdict, name: &str) -> Result<(), Error> {
        let known = match &self.config.budgets {
            none if none.is_empty() => BTreeSet::new(),
            _ => self.known(&case.record.roots, &case.advice.report),
        };
        let changes = update::changes(&self.config.budgets, &verdict.budgets, &known);
        // What would contradict itself is not written.
        let raised = update::changed(&self.config.budgets, &changes);
        judge::check_entries(&raised, known.iter().map(String::as_str))?;
        let mut staged = update::stage(&changes)?;
        let names = (name, "this run");
        staged.push(baseline::stage(&mut self.baselines, names, case.new.clone(), self.term)?);
        for change in &changes {
            self.term.change("Updating", change.describe(self.workspace.root()));
        }
        baseline::commit(staged)?;
        let is_left =
            |it: &&Budget| it.origin == BudgetOrigin::Attribute && it.status == BudgetStatus::Fail;
        for budget in verdict.budgets.iter().filter(is_left) {
            self.term.warning(format_args!(
                "not rewritten, as it stands in the source: {}",
                budgets::sentence(budget)
            ));
        }
        self.config = Config::load(self.workspace, &case.record.workload.package)?;
        Ok(())
    }

    fn deliver(&self, case: &Case) -> Result<(), Error> {
        let (options, Advice { report, sources, prefix, .. }) =
            (&self.options.report, &case.advice);
        deliver::each(options, self.term, &|format, is_file| {
            Ok(match format {
                Format::Human => budgets::human(report, sources),
                Format::Markdown => budgets::markdown(report, sources),
                Format::Github => {
                    deliver::summary(&budgets::markdown(report, sources))?;
                    github::render(report, prefix)
                }
                Format::Json | Format::Sarif | Format::Junit => {
                    return deliver::render(&case.advice, options, (format, is_file), self.term);
                }
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::budgets::tests::broken;
    use crate::report::tests::{busy, report};

    #[test]
    fn broken_budgets_and_denied_rules_are_repeated_and_nothing_else() {
        let kept = report(&busy(), |_, _| {});
        assert!(!kept.findings.is_empty() && doubt(None, &kept).is_none(), "none is denied");
        let mut denied = kept.clone();
        denied.findings[0].denied = true;
        assert!(doubt(None, &denied).unwrap().contains("rule"));
        let of =
            |status| Verdict { budgets: vec![Budget { status, ..broken() }], ..Verdict::default() };
        assert!(doubt(Some(&of(BudgetStatus::Fail)), &kept).unwrap().contains("budget"));
        assert_eq!(doubt(Some(&of(BudgetStatus::Pass)), &kept), None);
        assert!(doubt(Some(&of(BudgetStatus::Pass)), &denied).is_some());
    }
}
