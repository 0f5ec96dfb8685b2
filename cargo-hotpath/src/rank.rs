//! From candidates to ranked findings: what is worth showing, in which order, and what it all gains.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use hotpath_runtime::hotpath;

use crate::facts::{Facts, FunctionFacts};
use crate::fnv::fnv1a;
use crate::impact::{Claim, Workload, union};
use crate::rules::{self, Anchor, Candidate, Level, Meta, Setting, Settings};
use crate::schema::{
    Category, Combined, Confidence, Effort, Finding, Impact, Metric, Range, Severity,
};

/// Share of wall time below which nothing is shown unless asked for.
pub const FLOOR_PCT: f64 = 0.5;

/// Share of allocations from which a finding is shown whatever its time.
const ALLOCS_FLOOR_PCT: f64 = 1.0;

/// What a share of allocations counts for against a share of wall time.
const ALLOCS_WEIGHT: f64 = 0.1;

/// What a share of peak memory counts for against a share of wall time.
const PEAK_WEIGHT: f64 = 0.25;

/// What to show.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Best share of wall time from which a finding is shown, in percent, where nothing is said of
    /// its rule; `None` for [`FLOOR_PCT`].
    pub min_impact_pct: Option<f64>,
    /// Show everything that is not allowed.
    pub all: bool,
    /// What is said of each rule.
    pub rules: Settings,
}

/// Findings in order.
#[derive(Clone, Debug, Default)]
pub struct Ranked {
    /// Best first.
    pub findings: Vec<Finding>,
    /// What all of them gain together.
    pub combined: Combined,
    /// How many lie below the floor.
    pub hidden: usize,
    /// Rules whose findings are left out, whatever they gain.
    pub allowed: Vec<String>,
}

/// Runs every rule and ranks what they find by impact x confidence / effort.
#[hotpath]
pub fn findings(facts: &Facts, options: &Options) -> Ranked {
    let workload = Workload::new(facts);
    let mut judged: Vec<Judged> = rules::all()
        .iter()
        .map(|rule| (rule, options.rules.of(rule.meta())))
        .filter(|(_, setting)| setting.level != Level::Allow)
        .flat_map(|(rule, setting)| {
            let candidates = rule.check(facts, &setting.thresholds).into_iter();
            candidates.map(move |candidate| (rule.meta(), setting.clone(), candidate))
        })
        .filter(|(meta, _, candidate)| !is_allowed(facts, meta.id, candidate))
        .map(|(meta, setting, candidate)| Judged::new(facts, &workload, meta, setting, candidate))
        .collect();
    if judged.iter().any(Judged::invalidates) {
        judged.iter_mut().filter(|judged| !judged.invalidates()).for_each(Judged::downgrade);
    }
    judged.sort_by(Judged::first);
    let mut judged = one_per_site(judged, options);
    put_allocator_last(facts, &mut judged, options);
    let (shown, hidden): (Vec<_>, Vec<_>) =
        judged.into_iter().partition(|judged| options.all || judged.is_shown(options));
    let combined = combined(&workload, &shown);
    let findings = shown.into_iter().zip(1..);
    let findings =
        findings.map(|(judged, rank)| judged.into_finding(facts, rank, options)).collect();
    Ranked { findings, combined, hidden: hidden.len(), allowed: options.rules.allowed() }
}

/// Whether a comment or attribute switches the rule off there.
fn is_allowed(facts: &Facts, rule: &str, candidate: &Candidate) -> bool {
    candidate.anchor.as_ref().is_some_and(|anchor| {
        let function = &facts.functions[anchor.function].allowed;
        anchor.allowed.iter().chain(function).any(|allowed| allowed == rule)
    })
}

/// The best of the findings about the same expression and subject: two ways to get rid of one
/// copy are one finding. One that is denied is not hidden behind a better one that isn't.
fn one_per_site(sorted: Vec<Judged>, options: &Options) -> Vec<Judged> {
    let denied: BTreeSet<_> = sorted
        .iter()
        .filter(|judged| judged.is_denied(options))
        .filter_map(Judged::subject)
        .collect();
    let mut seen = BTreeSet::new();
    sorted
        .into_iter()
        .filter(|judged| match judged.subject() {
            Some(subject) if denied.contains(&subject) && !judged.is_denied(options) => false,
            Some(subject) => seen.insert(subject),
            None => true,
        })
        .collect()
}

/// Another allocator is for what the other findings leave of the allocations: that share of its
/// gain decides its place. What is said of its gain stays that of the change alone.
fn put_allocator_last(facts: &Facts, judged: &mut [Judged], options: &Options) {
    let gone: f64 = judged
        .iter()
        .filter(|judged| judged.is_shown(options))
        .filter_map(|judged| judged.candidate.gain.as_ref()?.allocs)
        .map(|allocs| allocs as f64)
        .sum();
    let all = allocs(facts) as f64;
    let left = if all > 0.0 { (1.0 - gone / all).max(0.0) } else { 1.0 };
    for judged in judged.iter_mut().filter(|judged| judged.meta.id == rules::ALLOCATOR_SWAP) {
        judged.priority *= left;
    }
    judged.sort_by(Judged::first);
}

/// Of the whole program.
fn allocs(facts: &Facts) -> u64 {
    facts.functions.iter().map(|function| function.self_allocs.count).sum()
}

fn combined(workload: &Workload, shown: &[Judged]) -> Combined {
    let claims: Vec<&Claim> = shown
        .iter()
        .filter_map(|judged| judged.candidate.gain.as_ref())
        .flat_map(|gain| &gain.claims)
        .collect();
    Combined { wall_pct: (!claims.is_empty()).then(|| workload.wall_pct(union(claims))) }
}

/// A candidate with its impact and place in the order.
struct Judged {
    meta: &'static Meta,
    setting: Setting,
    id: String,
    candidate: Candidate,
    impact: Impact,
    allocs_pct: f64,
    priority: f64,
}

impl Judged {
    fn new(
        facts: &Facts,
        workload: &Workload,
        meta: &'static Meta,
        setting: Setting,
        candidate: Candidate,
    ) -> Self {
        let id = finding_id(facts, meta.id, candidate.anchor.as_ref());
        let all = allocs(facts);
        let gone = candidate.gain.as_ref().and_then(|gain| gain.allocs).unwrap_or(0);
        let allocs_pct = if all > 0 { (100.0 * gone as f64 / all as f64).min(100.0) } else { 0.0 };
        let mut impact = impact(workload, &candidate, allocs_pct);
        // Who waits for a lock doesn't compute.
        impact.cpu_pct = impact.cpu_pct.filter(|_| meta.id != rules::LOCK_CONTENTION);
        let mut judged = Self { meta, setting, id, candidate, impact, allocs_pct, priority: 0.0 };
        judged.priority = judged.priority();
        judged
    }

    /// A finding that says nothing about a gain, but that the other figures can't be trusted.
    fn invalidates(&self) -> bool {
        self.candidate.gain.is_none() && self.meta.category == Category::Config
    }

    /// Which stands first.
    fn first(&self, other: &Self) -> Ordering {
        other.priority.total_cmp(&self.priority).then_with(|| self.id.cmp(&other.id))
    }

    fn downgrade(&mut self) {
        self.candidate.confidence = match self.candidate.confidence {
            Confidence::High => Confidence::Medium,
            Confidence::Medium | Confidence::Low => Confidence::Low,
        };
        self.priority = self.priority();
    }

    /// Impact in percent of wall time; a share of allocations counts a tenth.
    fn weight(&self) -> f64 {
        let wall = self.impact.wall_pct.map_or(0.0, |range| range.best);
        match self.impact.metric {
            Metric::Allocs => wall.max(ALLOCS_WEIGHT * self.allocs_pct),
            Metric::PeakMemory => wall.max(PEAK_WEIGHT * self.peak_pct()),
            _ => wall,
        }
    }

    fn peak_pct(&self) -> f64 {
        self.impact.peak_memory_pct.map_or(0.0, |range| range.best)
    }

    fn priority(&self) -> f64 {
        if self.invalidates() {
            return f64::INFINITY;
        }
        let confidence = match self.candidate.confidence {
            Confidence::High => 0.8,
            Confidence::Medium => 0.6,
            Confidence::Low => 0.3,
        };
        // What is gained decides; effort only tells apart what gains about the same.
        let effort = match self.candidate.effort {
            Effort::Trivial => 1.0,
            Effort::Local => 1.1,
            Effort::Signature => 1.3,
            Effort::Design => 1.6,
        };
        self.weight() * confidence / effort
    }

    /// The expression and what is said of it; `None` for the build.
    fn subject(&self) -> Option<(usize, usize, String)> {
        let anchor = self.candidate.anchor.as_ref()?;
        Some((anchor.function, anchor.site, format!("{:?}", self.meta.category)))
    }

    fn is_shown(&self, options: &Options) -> bool {
        // What is said of the rule goes before what was asked of all.
        let floor = self.setting.min_impact_pct.or(options.min_impact_pct);
        self.invalidates()
            || self.impact.wall_pct.is_some_and(|range| range.best >= floor.unwrap_or(FLOOR_PCT))
            // A floor that the user set is the only one.
            || (floor.is_none()
                && (self.allocs_pct >= ALLOCS_FLOOR_PCT || self.impact.metric == Metric::PeakMemory))
    }

    /// Whether the configuration lets it make the command fail: never below the floor, though all
    /// may be shown.
    fn is_denied(&self, options: &Options) -> bool {
        self.setting.level == Level::Deny && self.is_shown(options)
    }

    fn severity(&self) -> Severity {
        if self.invalidates() {
            return Severity::High;
        }
        let wall = self.impact.wall_pct.map_or(0.0, |range| range.best);
        match wall.max(PEAK_WEIGHT * self.peak_pct()) {
            best if best >= 5.0 => Severity::High,
            best if best >= 2.0 => Severity::Medium,
            best if best >= 0.5 => Severity::Low,
            _ => Severity::Info,
        }
    }

    fn into_finding(self, facts: &Facts, rank: u32, options: &Options) -> Finding {
        let (severity, denied) = (self.severity(), self.is_denied(options));
        let Self { meta, id, candidate, impact, .. } = self;
        let anchor = candidate.anchor.as_ref();
        let function = anchor.map(|anchor| &facts.functions[anchor.function]);
        let span = anchor.map(|anchor| anchor.span);
        Finding {
            id,
            rank,
            rule: meta.id.to_owned(),
            category: meta.category,
            severity,
            confidence: candidate.confidence,
            effort: candidate.effort,
            title: candidate.title,
            file: file(facts, function),
            line: span.map(|span| span.line),
            column: span.map(|span| span.column),
            end_line: span.map(|span| span.end_line),
            end_column: span.map(|span| span.end_column),
            function: function.map(|function| function.id.clone()),
            impact,
            problem: candidate.problem,
            solution: candidate.solution,
            steps: candidate.steps,
            tradeoffs: candidate.tradeoffs,
            verify: "cargo hotpath run".to_owned(),
            docs: meta.docs.to_owned(),
            fix: candidate.fix,
            verified: None,
            denied,
        }
    }
}

/// The file of a finding: that of its function, or the manifest where it is about the build.
fn file(facts: &Facts, function: Option<&FunctionFacts>) -> Option<String> {
    function.map_or_else(|| facts.build.manifest.clone(), |function| Some(function.file.clone()))
}

fn impact(workload: &Workload, candidate: &Candidate, allocs_pct: f64) -> Impact {
    let Some(gain) = &candidate.gain else {
        return Impact {
            metric: Metric::Wall,
            wall_pct: None,
            cpu_pct: None,
            peak_memory_pct: None,
            allocs: None,
            alloc_bytes: None,
            basis: "not measured: it takes a run of the other build".to_owned(),
        };
    };
    let gone = union(&gain.claims);
    let wall_pct = workload.wall_pct(gone);
    let peak_memory_pct = workload.peak_pct(gone);
    Impact {
        metric: metric(&wall_pct, peak_memory_pct.as_ref(), allocs_pct),
        wall_pct: Some(wall_pct),
        cpu_pct: workload.cpu_pct(gone),
        peak_memory_pct,
        allocs: gain.allocs,
        alloc_bytes: gain.alloc_bytes,
        basis: format!("{}; {}", gain.basis, workload.basis()),
    }
}

fn metric(wall_pct: &Range, peak_pct: Option<&Range>, allocs_pct: f64) -> Metric {
    let is_about_time = wall_pct.best >= FLOOR_PCT;
    if !is_about_time && peak_pct.is_some_and(|peak| PEAK_WEIGHT * peak.best >= FLOOR_PCT) {
        Metric::PeakMemory
    } else if !is_about_time && allocs_pct >= ALLOCS_FLOOR_PCT {
        Metric::Allocs
    } else {
        Metric::Wall
    }
}

/// Rule and a hash of function, kind and ordinal: the same while the code is, wherever it stands.
fn finding_id(facts: &Facts, rule: &str, anchor: Option<&Anchor>) -> String {
    let Some(anchor) = anchor else { return rule.to_owned() };
    let function = &facts.functions[anchor.function];
    let key = format!("{}\0{}\0{}", function.id, anchor.kind, anchor.site);
    format!("{rule}-{:08x}", fnv1a(&key) as u32)
}

#[cfg(test)]
mod tests;
