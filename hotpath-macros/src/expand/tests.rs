use std::fs;
use std::path::Path;

use hotpath_runtime_syntax::{SiteSelection, is_hotpath};
use syn::visit_mut::VisitMut;
use syn::{Block, ExprLit, File, Item, ItemFn, ItemStatic, Lit};

use super::*;

fn expand(options: &str, item: &str) -> String {
    attribute(options.parse().unwrap(), item.parse().unwrap()).to_string()
}

fn parsed(options: &str, item: &str) -> File {
    let text = expand(options, item);
    syn::parse_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Kinds and labels in the tables of a file.
#[derive(Default)]
struct Registered(Vec<(String, String)>);

impl VisitMut for Registered {
    fn visit_item_static_mut(&mut self, table: &mut ItemStatic) {
        let Expr::Call(call) = table.expr.as_ref() else { return };
        if table.ident != "__HOTPATH" {
            return;
        }
        let Some(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) = call.args.last() else {
            panic!("a table ends in the text of its sites");
        };
        let text = text.value();
        let words: Vec<&str> = text.splitn(11, ' ').collect();
        let texts = words[5..10].iter().map(|bytes| bytes.parse::<usize>().unwrap()).sum();
        let mut rest = &words[10][texts..];
        while !rest.is_empty() {
            let words: Vec<&str> = rest.splitn(5, ' ').collect();
            let (label, next) = words[4].split_at(words[3].parse().unwrap());
            assert!(words[1].parse::<u32>().is_ok() && words[2].parse::<u32>().is_ok());
            self.0.push((words[0].to_owned(), label.to_owned()));
            rest = next;
        }
    }
}

/// What the syntax crate enumerates in every function of a file, without expanding anything.
#[derive(Default)]
struct Enumerated(Vec<(String, String)>);

impl VisitMut for Enumerated {
    fn visit_item_fn_mut(&mut self, function: &mut ItemFn) {
        if function.sig.constness.is_none() {
            self.body(&mut function.block, function.sig.asyncness.is_some());
        }
    }

    fn visit_impl_item_fn_mut(&mut self, function: &mut syn::ImplItemFn) {
        if function.sig.constness.is_none() {
            self.body(&mut function.block, function.sig.asyncness.is_some());
        }
    }

    fn visit_item_trait_mut(&mut self, _: &mut syn::ItemTrait) {}
}

impl Enumerated {
    fn body(&mut self, block: &mut Block, is_async: bool) {
        enumerate(block, is_async, SiteSelection::Calls, &mut |_: &mut Expr, site: Site| {
            self.0.push((site.kind.name().to_owned(), site.label));
        });
    }
}

fn wrap_cases() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/wrap-cases");
    let mut cases = Vec::new();
    for file in ["cases.txt", "cases2.txt", "cases3.txt"] {
        for line in fs::read_to_string(folder.join(file)).unwrap().lines() {
            let mut parts = line.splitn(3, '|');
            let name = parts.next().unwrap().to_owned();
            cases.push((name, parts.nth(1).unwrap().replace("@<", "").replace(">@", "")));
        }
    }
    cases
}

/// The sources of every member of this workspace.
fn own_code() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let members = ["cargo-hotpath", "examples", "hotpath-macros", "hotpath-runtime", "tests"];
    let mut directories: Vec<_> = members.iter().map(|member| root.join(member)).collect();
    let mut sources = Vec::new();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("fixtures") && !path.ends_with("target") {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                sources.push((path.display().to_string(), text));
            }
        }
    }
    sources
}

#[test]
fn what_is_enumerated_is_registered() {
    let cases = wrap_cases();
    assert!(registered_as_enumerated(cases) > 100);
    assert!(registered_as_enumerated(own_code()) > 1_000);
}

/// Compares site by site; gives their number.
fn registered_as_enumerated(cases: Vec<(String, String)>) -> usize {
    let mut sites = 0;
    for (name, source) in cases {
        let module = format!("mod case {{ {source}\n}}");
        let mut registered = Registered::default();
        registered.visit_file_mut(&mut parsed("", &module));
        let mut enumerated = Enumerated::default();
        enumerated.visit_file_mut(&mut syn::parse_str(&module).unwrap());
        assert_eq!(registered.0, enumerated.0, "{name}");
        sites += registered.0.len();
    }
    sites
}

#[test]
fn a_receiver_that_is_a_value_is_marked() {
    let text = expand("", "fn f(a: &A) -> Vec<u32> { a.iter().collect() }");
    assert!(text.contains("__hotpath :: exit (__hotpath :: site (& __HOTPATH , 0)"), "{text}");
    assert!(text.contains(":: mark (a . iter ()) . collect ()"), "{text}");
}

#[test]
fn of_a_field_no_reference_is_taken() {
    let text =
        expand("", "fn f(&self, m: &M) { self.a.0.lock(); m.lock(); M.lock(); M.a.lock(); }");
    for probe in [
        "site_on (& __HOTPATH , 0 , & raw const self . a . 0)",
        "site_on (& __HOTPATH , 1 , & m)",
        "site_on (& __HOTPATH , 2 , & M)",
        "site_on (& __HOTPATH , 3 , & raw const (* & M) . a)",
    ] {
        assert!(text.contains(probe), "{probe}: {text}");
    }
}

#[test]
fn a_borrowed_site_is_a_field() {
    let text = expand("", "fn f(a: &A) { g(&a.clone()) }");
    assert!(text.contains("& __hotpath :: field ("), "{text}");
    assert!(text.contains("a . clone ()) . 0"), "{text}");
}

#[test]
fn attributes_move_to_the_wrapper() {
    let text = expand("", "fn f() { g(#[cfg(x)] a.clone()); }");
    assert!(text.contains("g (# [cfg (x)] __hotpath :: exit"), "{text}");
    assert_eq!(text.matches("cfg").count(), 1);
}

#[test]
fn sites_can_be_switched_off_and_on() {
    let block = "impl S { fn f(&self) { self.a.clone(); } #[hotpath(sites = calls)] fn g(&self) { self.b.clone(); } }";
    let text = expand("sites = off", block);
    assert!(text.contains("self . b . clone ())"));
    assert_eq!(text.matches("test.rsclone ").count(), 1);
}

#[test]
fn the_runtime_can_be_elsewhere() {
    let text = expand("crate = facade::rt", "fn f(a: &A) { a.clone(); }");
    assert!(text.contains("facade :: rt :: __private :: site"), "{text}");
    assert!(!text.contains("hotpath_runtime"));
}

#[test]
fn parameters_move_unless_their_names_matter() {
    let moved = expand("", "fn f(a: Vec<u8>, b: &str, c: u32, (d, _): P, mut self_: T, _: Q) {}");
    assert!(
        moved.contains("fn f (__hotpath_0 : Vec < u8 > , b : & str , c : u32 , __hotpath_3 : P"),
        "{moved}"
    );
    assert!(moved.contains("let __hotpath_3 = __hotpath_3 ; let (d , _) = __hotpath_3"), "{moved}");
    assert!(moved.contains("let mut self_ = __hotpath_4"), "{moved}");
    assert!(moved.contains("let __hotpath_5 = __hotpath_5"), "{moved}");
    let named = expand("", "#[traced(a)] fn f(a: Vec<u8>) {}");
    assert!(named.contains("fn f (a : Vec < u8 >)"), "{named}");
}

#[test]
fn a_body_that_cannot_be_parsed_is_still_measured() {
    let text = expand("", "fn f(a: Vec<u8>) -> u32 { builtin # strange (1) a.clone() }");
    assert!(text.contains("builtin # strange (1) a . clone ()"), "{text}");
    assert!(text.contains("ftest.rs\" ,)"), "{text}");
    assert!(text.contains("let a = __hotpath_0"), "{text}");
}

#[test]
fn an_error_keeps_the_item() {
    let text = expand("nam = 1", "fn f() { a }");
    assert!(text.starts_with("fn f () { a }"), "{text}");
    assert!(text.contains("compile_error"), "{text}");
    let block = parsed("", "impl S { #[hotpath(x)] fn a() {} fn b() {} }");
    let Item::Impl(block) = &block.items[0] else { panic!("an impl") };
    assert_eq!(block.items.len(), 3);
}

/// Fails on an attribute of ours.
struct NoneOfOurs;

impl VisitMut for NoneOfOurs {
    fn visit_attribute_mut(&mut self, attribute: &mut Attribute) {
        assert!(!is_hotpath(attribute));
    }
}

#[test]
fn inner_attributes_of_ours_are_gone_after_one_expansion() {
    let mut file = parsed(
        "",
        "mod m { #[hotpath] fn f() {} #[hotpath(skip)] fn g() {} #[hotpath] impl S { fn h() {} } }",
    );
    NoneOfOurs.visit_file_mut(&mut file);
    assert_eq!(file.to_token_stream().to_string().matches("Function :: expanded").count(), 2);
}

#[test]
fn declarations_and_skipped_items_pass_through() {
    assert_eq!(expand("", "fn f (& self) ;"), "fn f (& self) ;");
    assert_eq!(expand("skip", "fn f () { a . clone () }"), "fn f () { a . clone () }");
}

#[test]
fn futures_say_what_they_return() {
    let text = expand("", "async fn f(a: &A) -> Result<impl T, E> { a.g().await }");
    assert!(text.contains("edge :: < Result < _ , E > > ()"), "{text}");
    assert!(text.contains("awaited (& __HOTPATH , 0 , a . g ()) . await"), "{text}");
    assert!(!expand("", "async fn f() -> ! { loop {} }").contains("edge"));
}

#[test]
fn a_guard_has_a_local_beside_it() {
    let text =
        expand("", "fn f(m: &Mutex<u8>) { let g = m.lock().unwrap(); a(&g); drop(g); b(); }");
    assert!(text.contains(". unwrap () ; let __hotpath_hold_0 = __hotpath :: hold (& __HOTPATH , 0) ; a (& g) ; __hotpath :: held (__hotpath_hold_0) ; drop (g) ; b ()"), "{text}");
    let text = expand("", "async fn f(m: &M) { let mut g = m.a.write().await; g.b().await; }");
    assert!(
        text.contains(". await ; let __hotpath_hold_0 = __hotpath :: hold (& __HOTPATH , 0) ;"),
        "{text}"
    );
    let text = expand("", "fn f(m: &M) { if let Ok(g) = m.lock() { a(&g) } }");
    assert!(
        text.contains("{ let __hotpath_hold_0 = __hotpath :: hold (& __HOTPATH , 0) ; a (& g) }"),
        "{text}"
    );
    let text = expand("", "async fn f(m: &M) { let g = m.lock(); b().await; g.await; }");
    assert!(!text.contains("__hotpath_hold"), "{text}");
    let text = expand(
        "",
        "async fn f(m: &M) { let g = m.write().await; let r = g.downgrade(); r.b().await; }",
    );
    assert!(!text.contains("__hotpath_hold"), "{text}");
    let text = expand("", "fn f(m: &M) { let g = m.lock().unwrap(); let g = g.len(); b(g) }");
    assert!(text.contains("__hotpath_hold_0"), "{text}");
    let text =
        expand("sites = all", "fn f(m: &M) { let g = m.lock().unwrap(); #[cfg(x)] drop(g); }");
    assert!(!text.contains("__hotpath_hold"), "{text}");
    let text = expand("sites = all", "fn f(m: &M) { let g = m.lock().unwrap(); drop(g); }");
    assert_eq!(text.matches("__hotpath_hold_").count(), 2, "{text}");
    assert_eq!(text.matches(":: held (").count(), 1, "{text}");
}

#[test]
fn what_is_no_guard_for_sure_has_none() {
    for body in [
        "m.lock().unwrap().push(1);",
        "let n = m.lock().unwrap().len();",
        "let _ = m.lock();",
        "#[cfg(x)] let g = m.lock();",
        "let g = m.lock().unwrap(); f(g);",
        "let g = m.try_lock();",
        "let g = f(m.lock());",
        "let g = m.lock(); b(); g.unwrap().push(1);",
        "let g = m.lock().unwrap(); #[cfg(x)] drop(g);",
    ] {
        let text = expand("", &format!("fn f(m: &M) {{ {body} }}"));
        assert!(!text.contains("__hotpath_hold"), "{text}");
    }
}

#[test]
fn the_value_of_a_send_is_looked_at() {
    let text = expand("", "fn f(s: &S) { let _ = s.send(1); }");
    let send = ":: sent (__hotpath :: send_on (& __HOTPATH , 0 , & s) , s . send (1))";
    assert!(text.contains(send), "{text}");
}

#[test]
fn a_block_limits_polls_of_its_async_functions_only() {
    let text = expand(
        "budget(polls_per_call = 4, allocs_per_call = 1)",
        "impl A { fn new() {} async fn get(&self) {} #[hotpath(budget(polls_per_call = 2))] fn own() {} }",
    );
    assert_eq!(text.matches("allocs_per_call = 1").count(), 3, "{text}");
    assert_eq!(text.matches("allocs_per_call = 1, polls_per_call = 4").count(), 1, "{text}");
    // Said of the function itself it is a mistake, which the check tells.
    assert_eq!(text.matches("polls_per_call = 2").count(), 1, "{text}");
}
