//! The programs of `accuracy/`: which fault each has, where it stands, and what else may be said of them.

use std::fs;
use std::path::PathBuf;

use crate::binary;

/// A program with what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Name of the binary, and of its file.
    pub name: &'static str,
    /// Which package it is in.
    pub package: Package,
    /// What is to be found.
    pub kind: Kind,
    /// Rules that may rightly speak of it as well, wherever they do: of the same fault, or of one
    /// that a developer would have there for a reason.
    pub also: &'static [&'static str],
}

/// A package of the workspace `accuracy/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Package {
    /// Programs without dependencies.
    Std,
    /// Programs that use crates.
    Crates,
}

/// What is to be found in a program.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A slow and a fixed variant.
    Pair(Culprit),
    /// The same beside notorious patterns in code that runs once, marked `// cold`.
    Cold(Culprit),
    /// Nothing of weight.
    Clean,
}

/// The fault of a slow variant; the lines are those below a comment `// culprit`.
#[derive(Clone, Copy, Debug)]
pub struct Culprit {
    /// What it is about.
    pub category: &'static str,
    /// The rule that knows it.
    pub rule: &'static str,
    /// The function that it is in; empty for the build.
    pub function: &'static str,
    /// What the fix makes less of.
    pub metric: Metric,
}

/// What a fix makes less of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Elapsed time.
    Wall,
    /// The most memory that is in use at once; the program prints it in its last line.
    PeakMemory,
}

/// Advice on the build, which can hold for any program.
pub const ANYWHERE: [&str; 2] = ["allocator-swap", "build-lto-cgu"];

/// All of them, the pairs by category.
pub const CASES: [Case; 30] = [
    std("telemetry", "allocation", "alloc-in-loop-reuse", "summarize", &["vec-no-capacity"]),
    std("basket", "copy", "clone-for-borrow", "suggest", &[]),
    std("tiles", "copy", "clone-in-loop", "draw_each", &["clone-for-borrow"]),
    std("batch", "copy", "clone-last-use", "keep", &[]),
    std("wordcount", "copy", "entry-key-alloc", "count", &["default-hasher-hot"]),
    std("routes", "copy", "owned-key-lookup", "route", &["default-hasher-hot"]),
    std("invoice", "string", "format-push", "render_rows", &[]),
    std("access", "string", "cmp-owned", "decide", &[]),
    std("crawl", "collection", "linear-search-loop", "follow", &[]),
    std("flood", "collection", "vec-front", "flood", &[]),
    std("ledger", "collection", "default-hasher-hot", "book", &[]),
    std("readings", "collection", "collect-then-iter", "add_row", &["alloc-in-loop-reuse"]),
    crates("scrub", "caching", "regex-per-call", "scrub", &[]),
    crates("gateway", "caching", "client-per-call", "ask", &[]),
    std("export", "io", "unbuffered-write", "write", &[]),
    std("listing", "io", "print-loop", "print_all", &[]),
    std("inventory", "lock", "lock-contention", "read", &[]),
    std("progress", "lock", "mutex-to-atomic", "add", &["lock-contention"]),
    crates("storefront", "async", "sequential-awaits", "page", &[]),
    crates("enrich", "async", "await-in-loop", "look_up", &[]),
    crates("tokens", "async", "guard-across-await", "secret", &["lock-contention"]),
    crates("labels", "async", "blocking-in-async", "feed", &["long-poll"]),
    crates("quotes", "async", "spawn-per-item", "price_in_tasks", &[]),
    memory(crates("feed", "async", "unbounded-channel", "main", &["long-poll"])),
    std(BUILD, "config", "build-opt", "", &[]),
    cold(crates("cold_settings", "collection", "linear-search-loop", "filter", &[])),
    cold(std("cold_report", "string", "format-push", "join", &[])),
    clean("clean_json", Package::Std),
    clean("clean_orbits", Package::Std),
    clean("clean_service", Package::Crates),
];

/// The program whose fault is the profile that it is built with.
const BUILD: &str = "hillshade";

const fn std(
    name: &'static str,
    category: &'static str,
    rule: &'static str,
    function: &'static str,
    also: &'static [&'static str],
) -> Case {
    let culprit = Culprit { category, rule, function, metric: Metric::Wall };
    Case { name, package: Package::Std, kind: Kind::Pair(culprit), also }
}

const fn crates(
    name: &'static str,
    category: &'static str,
    rule: &'static str,
    function: &'static str,
    also: &'static [&'static str],
) -> Case {
    Case { package: Package::Crates, ..std(name, category, rule, function, also) }
}

const fn cold(case: Case) -> Case {
    match case.kind {
        Kind::Pair(culprit) => Case { kind: Kind::Cold(culprit), ..case },
        _ => case,
    }
}

const fn memory(case: Case) -> Case {
    match case.kind {
        Kind::Pair(culprit) => {
            let culprit = Culprit { metric: Metric::PeakMemory, ..culprit };
            Case { kind: Kind::Pair(culprit), ..case }
        }
        _ => case,
    }
}

const fn clean(name: &'static str, package: Package) -> Case {
    Case { name, package, kind: Kind::Clean, also: &[] }
}

impl Package {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Std => "accuracy",
            Self::Crates => "accuracy-crates",
        }
    }

    const fn folder(self) -> &'static str {
        match self {
            Self::Std => "std",
            Self::Crates => "crates",
        }
    }
}

/// The workspace of the programs.
pub fn workspace() -> PathBuf {
    binary::repository().join("tests/accuracy")
}

impl Case {
    /// The case with this name.
    ///
    /// # Panics
    /// When there is none.
    pub fn named(name: &str) -> Self {
        let found = CASES.into_iter().find(|case| case.name == name);
        found.unwrap_or_else(|| panic!("no case {name}"))
    }

    /// Its fault; none for clean programs.
    pub const fn culprit(&self) -> Option<&Culprit> {
        match &self.kind {
            Kind::Pair(culprit) | Kind::Cold(culprit) => Some(culprit),
            Kind::Clean => None,
        }
    }

    /// Its source, as reports name it.
    pub fn file(&self) -> String {
        format!("{}/src/bin/{}.rs", self.package.folder(), self.name)
    }

    /// The profile that a variant is built with.
    pub fn profile(&self, is_fixed: bool) -> &'static str {
        if self.name == BUILD && !is_fixed { "small" } else { "release" }
    }

    /// Its arguments for a variant.
    pub fn argument(&self, is_fixed: bool) -> Option<&'static str> {
        let has_variants = self.culprit().is_some() && self.name != BUILD;
        has_variants.then_some(if is_fixed { "fixed" } else { "slow" })
    }

    /// The lines, from 1, below each comment that consists of this word.
    ///
    /// # Panics
    /// When the source can't be read.
    pub fn marked(&self, word: &str) -> Vec<u64> {
        let source = fs::read_to_string(workspace().join(self.file())).expect("the case is there");
        let comment = format!("// {word}");
        let marks = (1..).zip(source.lines()).filter(|(_, line)| line.trim() == comment);
        marks.map(|(line, _)| line + 1).collect()
    }
}
