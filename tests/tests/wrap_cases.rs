//! Expressions that are known to break when wrapped: whatever compiles plain
//! has to compile instrumented.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use hotpath_tests::package::{Package, files_with_errors, workspace};

/// What the sources of the cases assume.
const PRELUDE: &str = r"
use std::{sync::{Arc,Mutex,RwLock,MutexGuard},collections::{HashMap,BTreeMap},rc::Rc,cell::RefCell,borrow::Cow,fmt::{self,Write as _,Display,Debug}};
#[derive(Clone,Debug,Default,PartialEq)] struct S{a:String,b:Vec<u32>}
impl S{ fn a_ref(&self)->&String{&self.a} fn a_mut(&mut self)->&mut String{&mut self.a} fn me(&mut self)->&mut S{self} fn mk()->S{S::default()} }
trait Tr{fn t(&self)->u32;} impl Tr for S{fn t(&self)->u32{1}}
fn takes_str(s:&str)->usize{s.len()}
fn mks()->String{String::new()}
";

/// The probes by hand that some cases are written with.
const BY_HAND: &str = r"
mod hp {
    pub struct Token;
    pub fn enter(_: u32) -> Token { Token }
    pub fn exit<T>(_: Token, value: T) -> T { value }
    pub fn mark<T>(value: T) -> T { value }
    pub fn fut<F: std::future::IntoFuture>(_: u32, future: F) -> F::IntoFuture { future.into_future() }
}
";

struct Case {
    name: String,
    edition: String,
    source: String,
}

fn cases() -> Vec<Case> {
    let folder = workspace().join("tests/fixtures/wrap-cases");
    let mut cases = Vec::new();
    for file in ["cases.txt", "cases2.txt", "cases3.txt"] {
        let text = fs::read_to_string(folder.join(file)).expect("the cases are there");
        cases.extend(text.lines().map(case));
    }
    cases
}

/// `name|edition|source`, the expression between `@<` and `>@`.
fn case(line: &str) -> Case {
    let mut parts = line.splitn(3, '|');
    let mut next = || parts.next().expect("three parts").to_owned();
    let (name, edition, source) = (next(), next(), next());
    Case { name, edition, source: source.replace("@<", "").replace(">@", "") }
}

/// A module per case; `attribute` stands on each.
fn write(package: &Package, cases: &[&Case], attribute: &str) {
    let mut root = String::from("#![allow(warnings)]\n");
    root.push_str(BY_HAND);
    for case in cases {
        root.extend(["mod ", &case.name, ";\n"]);
        let module = format!(
            "use crate::hp;\n{attribute}\nmod case {{ use super::hp;\n{PRELUDE}\n{}\n}}\n",
            case.source
        );
        package.write(&format!("src/{}.rs", case.name), &module).expect("is written");
    }
    package.write("src/lib.rs", &root).expect("is written");
}

/// The cases that don't compile as they are.
fn controls<'c>(package: &Package, mut cases: Vec<&'c Case>) -> Vec<&'c Case> {
    // An error in an early pass hides those of later ones.
    loop {
        write(package, &cases, "");
        let failing = files_with_errors(&package.cargo(&["check", "--lib"]).expect("cargo checks"));
        if failing.is_empty() {
            return cases;
        }
        let before = cases.len();
        cases.retain(|case| !failing.contains(&format!("src/{}.rs", case.name)));
        assert!(cases.len() < before, "errors outside of the cases: {failing:?}");
    }
}

fn instrumented_cases_compile(edition: &str, at_least: usize) {
    let all = cases();
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let package =
        Package::new(scratch, &format!("wrap-cases-{edition}"), edition).expect("is made");
    let candidates =
        all.iter().filter(|case| case.edition.is_empty() || case.edition.as_str() <= edition);
    let compiling = controls(&package, candidates.collect());
    assert!(compiling.len() >= at_least, "only {} cases compile plain", compiling.len());

    for attribute in ["#[hotpath_runtime::hotpath]", "#[hotpath_runtime::hotpath(sites = all)]"] {
        write(&package, &compiling, attribute);
        instrumented_compile(&package);
    }
}

fn instrumented_compile(package: &Package) {
    let diagnostics = package.cargo(&["check", "--lib"]).expect("cargo checks");
    let errors: Vec<&str> = diagnostics
        .iter()
        .filter(|it| it.level == "error")
        .map(|it| it.rendered.as_str())
        .collect();
    assert!(errors.is_empty(), "{:?}\n{}", files_with_errors(&diagnostics), errors.join("\n"));
}

#[test]
fn names_are_unique() {
    let all = cases();
    let names: BTreeSet<&str> = all.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), all.len());
}

#[test]
fn edition_2021() {
    instrumented_cases_compile("2021", 180);
}

#[test]
fn edition_2024() {
    instrumented_cases_compile("2024", 180);
}
