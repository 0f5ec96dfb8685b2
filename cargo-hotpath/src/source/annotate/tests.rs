use super::*;

fn paths(text: &str) -> Vec<String> {
    bare_functions(text).unwrap().into_iter().map(|function| function.path).collect()
}

fn annotated(text: &str) -> String {
    let mut annotated = text.to_owned();
    for function in bare_functions(text).unwrap().iter().rev() {
        annotated.insert_str(function.insertion.byte, "#[a] ");
    }
    annotated
}

#[test]
fn the_attribute_says_where_the_function_stood_and_where_the_runtime_is() {
    let insertions: Vec<Insertion> = bare_functions("/* ä */ fn f() {} pub fn g() {}")
        .unwrap()
        .iter()
        .map(|function| function.insertion)
        .collect();
    assert_eq!(
        attribute("hotpath_runtime", "", insertions[0]),
        "#[::hotpath_runtime::hotpath(column = 9)] "
    );
    assert_eq!(attribute("rt", "", insertions[1]), "#[::rt::hotpath(crate = ::rt, column = 19)] ");
    assert_eq!(
        attribute("hotpath_runtime", "sites = off", insertions[0]),
        format!("#[::hotpath_runtime::hotpath(sites = off, column = {})] ", insertions[0].column)
    );
    assert_eq!((insertions[0].byte, insertions[1].byte), (9, 19));
}

#[test]
fn the_attribute_goes_between_other_attributes_and_the_function() {
    for (plain, expected) in [
        ("fn f() {}", "#[a] fn f() {}"),
        ("/// Doc.\n#[inline]\npub fn f() {}\n", "/// Doc.\n#[inline]\n#[a] pub fn f() {}\n"),
        ("#[inline] pub(crate) async fn f() {}", "#[inline] #[a] pub(crate) async fn f() {}"),
        ("unsafe extern \"C\" fn f() {}", "#[a] unsafe extern \"C\" fn f() {}"),
        ("impl S { default fn f() {} }", "impl S { #[a] default fn f() {} }"),
        ("impl S {\n    pub fn f(self) {}\n}", "impl S {\n    #[a] pub fn f(self) {}\n}"),
        ("trait T { fn f(); fn g() {} }", "trait T { fn f(); #[a] fn g() {} }"),
        ("\u{feff}fn f() {}", "\u{feff}#[a] fn f() {}"),
        ("#!/usr/bin/env x\nfn f() {}", "#!/usr/bin/env x\n#[a] fn f() {}"),
        ("/* ä */ fn f() {}\r\n", "/* ä */ #[a] fn f() {}\r\n"),
        ("cfg_rt! { fn f() {} }", "cfg_rt! { #[a] fn f() {} }"),
    ] {
        assert_eq!(annotated(plain), expected);
    }
}

#[test]
fn what_waits_in_a_runtime_is_measured_as_the_async_function_it_was() {
    for (plain, expected) in [
        (
            "/// Doc.\n#[tokio::main]\nasync fn main() {}",
            "/// Doc.\n#[a] #[tokio::main]\nasync fn main() {}",
        ),
        (
            "#[allow(x)]\n#[actix_web::main] // here\npub async fn main() {}",
            "#[allow(x)]\n#[a] #[actix_web::main] // here\npub async fn main() {}",
        ),
        ("#[instrument] async fn f() {}", "#[instrument] #[a] async fn f() {}"),
        (
            "#[rt::main] async fn main(#[pool] p: P) {}",
            "#[rt::main] #[a] async fn main(#[pool] p: P) {}",
        ),
        ("#[app::main] fn main() {}", "#[app::main] #[a] fn main() {}"),
    ] {
        assert_eq!(annotated(plain), expected);
    }
}

#[test]
fn lines_hold() {
    let text = include_str!("../annotate.rs");
    let after = annotated(text);
    assert_eq!(after.lines().count(), text.lines().count());
    assert!(paths(text).len() > 10);
    assert_eq!(paths(&after.replace("#[a]", "#[hotpath]")), Vec::<String>::new());
}

#[test]
fn functions_are_found_wherever_they_stand() {
    let text = "mod m { impl S { fn a(&self) { fn b() {} let c = || { fn d() {} }; } } }
        const _: () = { impl T for S { fn e() {} } };
        fn r#try() {}";
    assert_eq!(paths(text), ["m::S::a", "m::S::a::b", "m::S::a::d", "S::e", "try"]);
}

#[test]
fn what_cannot_or_need_not_carry_it_is_left_alone() {
    for text in [
        "const fn f() {}",
        "extern \"C\" { fn f(); }",
        "unsafe extern \"C\" fn f(a: u8, ...) {}",
        "#[hotpath] fn f() {}",
        "#[cfg_attr(x, hotpath_runtime::hotpath(skip))] fn f() {}",
        "#[hotpath] impl S { fn f() {} }",
        "#[rt::hotpath(skip)] mod m { fn f() {} }",
        "unsafe impl GlobalAlloc for A { unsafe fn alloc(&self) {} }",
        "unsafe impl std::alloc::GlobalAlloc for A { unsafe fn alloc(&self) {} }",
        "#[panic_handler] fn f() {}",
        "#[proc_macro] pub fn f() {}",
        "macro_rules! m { () => { fn f() {} } }",
        "other! { fn f() {} }",
    ] {
        assert_eq!(paths(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn tests_and_leaves_are_told_apart() {
    let text = "#[cfg(test)] mod tests { fn helper() { x() } #[test] fn t() {} }
        #[tokio::test] async fn t() {}
        fn leaf(a: u8) -> u8 { if a > 1 { a + 1 } else { a } }
        fn calls() { leaf(1); }
        fn loops() { loop {} }
        fn prints() { println!() }
        fn holds() { fn inner() { calls() } }";
    let found = bare_functions(text).unwrap();
    let named = |keep: fn(&Bare) -> bool| -> Vec<&str> {
        found.iter().filter(|f| keep(f)).map(|f| f.path.as_str()).collect()
    };
    assert_eq!(named(|f| f.in_test), ["tests::helper", "tests::t", "t"]);
    assert_eq!(named(|f| f.is_leaf), ["tests::t", "t", "leaf", "holds"]);
}

#[test]
fn text_that_is_no_rust_is_refused_with_its_place() {
    let error = bare_functions("fn f() {}\nfn (").unwrap_err();
    assert_eq!(error.span().start().line, 2);
}
