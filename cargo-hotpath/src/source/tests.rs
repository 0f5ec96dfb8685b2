use std::fs;
use std::path::Path;

use super::*;
use crate::facts::Usage;

/// A workspace on disk with these files.
fn workspace(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = directory.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    directory
}

fn root(workspace: &Path, target: &str, file: &str) -> Root {
    Root {
        package: "orders".to_owned(),
        target: target.to_owned(),
        edition: "2024".to_owned(),
        file: PathBuf::from(file),
        workspace_root: workspace.to_owned(),
        implicit: false,
    }
}

fn scan(files: &[(&str, &str)]) -> Source {
    let directory = workspace(files);
    Source::scan(&[root(directory.path(), "orders-lib", "src/lib.rs")])
}

/// `module::name` of every function.
fn paths(source: &Source) -> Vec<String> {
    source.functions().iter().map(|f| format!("{}::{}", f.module, f.name)).collect()
}

#[test]
fn budgets_are_those_of_the_function_and_around_it() {
    let source = scan(&[(
        "src/lib.rs",
        "#[hotpath(budget(allocs_per_call = 1, p99 = \"1 ms\"))] impl A {
             #[hotpath(budget(allocs_per_call = 0))] async fn f(&self) { async {}.await }
             fn g(&self) {}
         }",
    )]);
    let budgets: Vec<_> =
        source.functions().iter().map(|f| (f.name.as_str(), f.budget.to_string())).collect();
    let (own, outer) = ("allocs_per_call = 0, p99 = 1 ms", "allocs_per_call = 1, p99 = 1 ms");
    let expected = [("A::f", own), ("A::f::{async#0}", ""), ("A::g", outer)];
    assert_eq!(budgets, expected.map(|(name, budget)| (name, budget.to_owned())));
}

#[test]
fn annotated_items_are_found_in_every_shape() {
    let source = scan(&[(
        "src/lib.rs",
        "#[hotpath] fn plain() {}
         #[hotpath_runtime::hotpath(name = \"named\")] async fn other_name() {}
         #[cfg_attr(feature = \"profile\", hotpath(allow(print-loop)))] fn through_cfg() {}
         fn unannotated() { #[hotpath] fn nested() {} }
         #[hotpath] impl a::Store<u8> { fn get(&self) {} #[hotpath(skip)] fn skipped() {} const fn c() {} }
         impl Other { #[hotpath] fn one(&self) {} fn two(&self) {} }
         #[hotpath] mod inner {
             fn covered() {}
             mod deeper { fn covered() {} #[hotpath(name = \"own\")] impl X { } impl Y { fn m() {} } }
             #[hotpath(skip)] mod left { fn out() {} }
             fn with_items() { fn not_covered() {} }
         }
         trait T { #[hotpath] fn default(&self) {} fn none(&self); fn plain_default(&self) {} }
         cfg_if_unix! { #[hotpath] fn in_macro() {} mod of_macro { #[hotpath] fn f() {} } }
         #[hotpath] mod of_macros { unknown! { fn not_covered() {} } }
         #[hotpath(skip)] impl Skipped { fn no() {} #[hotpath] fn yes() {} }
         macro_rules! m { () => { #[hotpath] fn of_template() {} } }
         #[hotpath] fn r#match() {}",
    )]);
    assert_eq!(source.notes(), Vec::<String>::new());
    assert_eq!(
        paths(&source),
        [
            "orders_lib::Other::one",
            "orders_lib::Skipped::yes",
            "orders_lib::Store::get",
            "orders_lib::default",
            "orders_lib::in_macro",
            "orders_lib::match",
            "orders_lib::named",
            "orders_lib::nested",
            "orders_lib::plain",
            "orders_lib::through_cfg",
            "orders_lib::inner::covered",
            "orders_lib::inner::with_items",
            "orders_lib::inner::deeper::Y::m",
            "orders_lib::inner::deeper::covered",
            "orders_lib::of_macro::f",
        ]
    );
    let by_name = |name: &str| source.functions().iter().find(|f| f.name == name).unwrap();
    assert_eq!(by_name("through_cfg").allowed, ["print-loop"]);
    assert!(by_name("named").is_async && !by_name("plain").is_async);
    assert_eq!(by_name("Other::one").registered, "one");
    assert_eq!(by_name("Store::get").registered, "Store::get");
    assert_eq!(by_name("match").registered, "r#match");
    assert_eq!((by_name("plain").line, by_name("plain").column), (1, 15));
    assert_eq!(by_name("plain").file, "src/lib.rs");
    assert_eq!(by_name("plain").target, "orders_lib");
}

#[test]
fn modules_are_followed_into_their_files() {
    let f = "#[hotpath] fn f() {}";
    let source = scan(&[
        (
            "src/lib.rs",
            "mod a; mod b; mod inline { mod c; #[path = \"d.rs\"] mod d; }
             #[path = \"elsewhere/e.rs\"] mod e; #[cfg(windows)] mod missing_but_conditional;
             #[cfg_attr(unix, path = \"os/unix.rs\")] mod os; mod r#type;",
        ),
        ("src/a.rs", &format!("{f} mod sub; mod inner {{ mod deep; }} #[path = \"p.rs\"] mod p;")),
        ("src/a/sub.rs", f),
        ("src/a/inner/deep.rs", f),
        ("src/p.rs", f),
        ("src/b/mod.rs", "mod sub;"),
        ("src/b/sub.rs", f),
        ("src/inline/c.rs", f),
        ("src/inline/d.rs", f),
        ("src/elsewhere/e.rs", "mod beside;"),
        ("src/elsewhere/beside.rs", f),
        ("src/os/unix.rs", f),
        ("src/type.rs", f),
    ]);
    assert_eq!(source.notes(), Vec::<String>::new());
    let found: Vec<String> =
        source.functions().iter().map(|f| format!("{} {}", f.module, f.file)).collect();
    assert_eq!(
        found,
        [
            "orders_lib::a src/a.rs",
            "orders_lib::a::inner::deep src/a/inner/deep.rs",
            "orders_lib::a::p src/p.rs",
            "orders_lib::a::sub src/a/sub.rs",
            "orders_lib::b::sub src/b/sub.rs",
            "orders_lib::e::beside src/elsewhere/beside.rs",
            "orders_lib::inline::c src/inline/c.rs",
            "orders_lib::inline::d src/inline/d.rs",
            "orders_lib::os src/os/unix.rs",
            "orders_lib::type src/type.rs",
        ]
    );
    assert_eq!(source.texts()["src/p.rs"], f);
    assert!(!source.texts().contains_key("src/b/mod.rs"), "holds no function");
}

#[test]
fn files_that_fail_become_notes_and_the_rest_is_read() {
    let source = scan(&[
        (
            "src/lib.rs",
            "mod broken; mod missing; mod good; mod binary; #[path = \"lib.rs\"] mod me;",
        ),
        ("src/broken.rs", "#[hotpath] fn f( {}\n"),
        ("src/good.rs", "#[hotpath] fn f() {}"),
    ]);
    assert_eq!(paths(&source), ["orders_lib::good::f"]);
    let all = source.notes().join("\n");
    assert!(all.contains("src/broken.rs: line 1: can't be parsed"), "{all}");
    assert!(all.contains("src/lib.rs: there is no file for module `orders_lib::missing`"), "{all}");
    assert!(all.contains("src/lib.rs: module `orders_lib::me` holds itself"), "{all}");
    let nothing = Source::scan(&[root(Path::new("/nonexistent"), "x", "src/lib.rs")]);
    assert!(nothing.notes()[0].starts_with("src/lib.rs: can't be read"), "{:?}", nothing.notes());
}

#[test]
fn text_that_is_not_utf8_is_a_note() {
    let directory = workspace(&[("src/lib.rs", "mod latin;")]);
    fs::write(directory.path().join("src/latin.rs"), b"// hotpath \xE4\n").unwrap();
    let source = Source::scan(&[root(directory.path(), "x", "src/lib.rs")]);
    assert!(source.notes()[0].starts_with("src/latin.rs: can't be read"), "{:?}", source.notes());
}

#[test]
fn a_file_of_two_targets_is_there_for_both() {
    let directory = workspace(&[
        ("src/lib.rs", "mod shared;"),
        ("src/main.rs", "mod shared; #[hotpath] fn main() {}"),
        ("src/shared.rs", "#[hotpath] fn f() {}"),
    ]);
    let roots = [
        root(directory.path(), "orders", "src/lib.rs"),
        root(directory.path(), "orders-bin", "src/main.rs"),
    ];
    let source = Source::scan(&roots);
    assert_eq!(paths(&source), ["orders::shared::f", "orders_bin::main", "orders_bin::shared::f"]);
}

#[test]
fn functions_of_one_name_are_numbered_by_position() {
    let source = scan(&[(
        "src/lib.rs",
        "impl A for S { #[hotpath] fn f() {} }\nimpl B for S { #[hotpath] fn f() {} }\n#[hotpath] fn g() {}",
    )]);
    let found: Vec<_> = source.functions().iter().map(|f| (f.line, f.ordinal)).collect();
    assert_eq!(found, [(1, 0), (2, 1), (3, 0)]);
}

#[test]
fn sites_carry_position_kind_and_suppressions() {
    let source = scan(&[(
        "src/lib.rs",
        "\u{feff}#[hotpath(allow(two))]
// hotpath: allow(one)
fn f() {
    let ä = x.clone(); // hotpath: allow(clone-in-loop)
    // hotpath: allow(format-push)
    let b = y
        .get()
        .to_string();
    z.to_vec();
}
// hotpath: allow(three)
#[inline]
#[hotpath(sites = off)]
fn g() { x.clone(); }
",
    )]);
    let [f, g] = source.functions() else { panic!("{:?}", source.functions()) };
    assert_eq!(f.allowed, ["one", "two"]);
    assert_eq!((g.allowed.clone(), g.sites.len()), (vec!["three".to_owned()], 0));
    let found: Vec<_> =
        f.sites.iter().map(|s| (s.kind, s.line, s.column, s.allowed.join(","))).collect();
    let none = String::new();
    assert_eq!(
        found,
        [
            (Kind::Clone, 4, 15, "clone-in-loop".to_owned()),
            (Kind::ToString, 8, 10, "format-push".to_owned()),
            (Kind::ToVec, 9, 7, none),
        ]
    );
    assert_eq!(f.sites[1].label, "y.get().to_string()");
    let text = &source.texts()["src/lib.rs"];
    let span = f.sites[0].source.as_ref().unwrap().span;
    assert_eq!(&text[span.byte_start..span.byte_end], "x.clone()");
    assert_eq!(f.sites[2].source.as_ref().unwrap().usage, Usage::Statement);
}

#[test]
fn bytes_are_right_behind_a_shebang() {
    let source = scan(&[("src/lib.rs", "#!/usr/bin/env run\n#[hotpath] fn f() { x.clone(); }")]);
    let function = &source.functions()[0];
    let span = function.sites[0].source.as_ref().unwrap().span;
    let text = &source.texts()["src/lib.rs"];
    assert_eq!(&text[span.byte_start..span.byte_end], "x.clone()");
    assert_eq!((function.line, function.column), (2, 15));
}

#[test]
fn tests_are_known() {
    let source = scan(&[
        (
            "src/lib.rs",
            "#[hotpath] fn product() { x.clone(); }
             #[cfg(test)] mod tests;
             #[test] #[hotpath] fn t() { x.clone(); }
             #[cfg(test)] mod inline { #[hotpath] fn helper() { x.clone(); } }",
        ),
        ("src/tests.rs", "#[hotpath] fn helper() { x.clone(); }"),
    ]);
    let found: Vec<_> = source
        .functions()
        .iter()
        .map(|f| (f.name.as_str(), f.sites[0].source.as_ref().unwrap().in_test))
        .collect();
    assert_eq!(found, [("product", false), ("t", true), ("helper", true), ("helper", true)]);
}

#[test]
fn deeply_nested_source_is_read() {
    let sum = "+ x.clone()".repeat(3_000);
    let nested = format!("{}y.clone(){}", "(".repeat(300), ")".repeat(300));
    let text = format!("#[hotpath] fn f() {{ 1 {sum}; {nested}; }}");
    let source = scan(&[("src/lib.rs", &text)]);
    assert_eq!(source.notes(), Vec::<String>::new());
    let sites = &source.functions()[0].sites;
    assert_eq!(sites.len(), 3_001);
    assert!(sites.iter().all(|site| site.source.is_some()));
}

#[test]
fn all_files_of_a_target_are_known_annotated_or_not() {
    let source = scan(&[
        ("src/lib.rs", "mod a; #[cfg(windows)] mod b; cfg_rt! { mod c; } mod gone;"),
        ("src/a.rs", "fn f() {}"),
        ("src/b/mod.rs", ""),
        ("src/c.rs", "#[hotpath] fn f() {}"),
        ("src/unused.rs", ""),
    ]);
    let names = source.files().iter().map(|file| file.file_name().unwrap().to_str().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), ["a.rs", "mod.rs", "c.rs", "lib.rs"]);
}

#[test]
fn functions_without_the_attribute_count_where_it_is_implied() {
    let directory = workspace(&[
        (
            "src/lib.rs",
            "mod a; #[cfg(test)] mod tests;
             pub(crate) fn calls() { a::b(); fn inner() { loop {} } }
             fn leaf() {}
             #[hotpath(name = \"own\")] fn annotated() {}
             #[hotpath(skip)] fn skipped() { calls() }
             impl S { pub fn method(&self) { calls() } async fn wait() { async { calls() }.await } }
             const fn fixed() { calls() }
             #[test] fn test() { calls() }",
        ),
        ("src/a.rs", "pub fn b() { crate::calls() }"),
        ("src/tests.rs", "fn helper() { crate::calls() }"),
    ]);
    let root = Root { implicit: true, ..root(directory.path(), "orders", "src/lib.rs") };
    let source = Source::scan(&[root]);
    assert_eq!(
        paths(&source),
        [
            "orders::S::method",
            "orders::S::wait",
            "orders::S::wait::{async#0}",
            "orders::calls",
            "orders::inner",
            "orders::own",
            "orders::a::b",
        ]
    );
    let insertion = |name: &str| {
        source.functions().iter().find(|function| function.name == name).unwrap().insertion
    };
    assert_eq!(insertion("own"), None);
    assert_eq!(insertion("S::wait::{async#0}"), None);
    assert_eq!(insertion("b"), Some(Insertion { byte: 0, column: 1 }));
    assert_eq!(insertion("inner").unwrap().column, 46);
    assert!(source.texts().contains_key("src/a.rs"));
}
