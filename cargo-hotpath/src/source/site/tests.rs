mod variables;

use syn::ItemFn;

use super::super::enumeration;
use super::*;
use crate::facts::Origin;

/// Label and facts of every site of a function, as written at the start of a file.
fn sites(text: &str) -> Vec<(String, Option<SiteSource>)> {
    let function: ItemFn = syn::parse_str(text).unwrap();
    let is_async = function.sig.asyncness.is_some();
    let options = hotpath_runtime_syntax::Options::default();
    let enumerated = enumeration::of(&function.block, is_async, &options);
    let places: Vec<Enumerated> = enumerated.iter().map(|site| (site.kind, site.at)).collect();
    let body = Body { signature: &function.sig, block: &function.block };
    let facts = describe(body, &places, &Lines::new(text), false);
    enumerated.into_iter().map(|site| site.label).zip(facts).collect()
}

/// The facts of the only site of this kind of text.
pub(super) fn site(text: &str, of: &str) -> SiteSource {
    let all = sites(text);
    let found: Vec<&SiteSource> = all
        .iter()
        .filter_map(|(_, source)| source.as_ref())
        .filter(|source| text[source.span.byte_start..source.span.byte_end] == *of)
        .collect();
    match found[..] {
        [one] => one.clone(),
        _ => panic!("`{of}` is {} of {all:#?}", found.len()),
    }
}

fn usage(body: &str, of: &str) -> Usage {
    site(&format!("fn f() {{ {body} }}"), of).usage
}

fn argument(callee: &str, position: usize, borrowed: bool) -> Usage {
    Usage::Argument { callee: callee.to_owned(), position, borrowed }
}

#[test]
fn the_span_is_of_the_whole_expression_and_its_statement() {
    let text = "fn f() {\n    let ä = \"€\"; let y = x\n        .name\n        .clone();\n}";
    let source = site(text, "x\n        .name\n        .clone()");
    let statement = &text[source.statement.byte_start..source.statement.byte_end];
    assert_eq!(statement, "let y = x\n        .name\n        .clone();");
    assert_eq!((source.span.line, source.span.column), (2, 26));
    assert_eq!((source.span.end_line, source.span.end_column), (4, 17));
    assert_eq!((source.statement.line, source.statement.column), (2, 18));
}

#[test]
fn the_statement_is_the_innermost_one() {
    let text = "fn f() { for i in 0..3 { if c { g(i.clone()); } h(a.to_vec()) } }";
    let of =
        |site: &SiteSource| text[site.statement.byte_start..site.statement.byte_end].to_owned();
    assert_eq!(of(&site(text, "i.clone()")), "g(i.clone());");
    assert_eq!(of(&site(text, "a.to_vec()")), "h(a.to_vec())");
}

#[test]
fn loops_are_counted_where_they_repeat_the_expression() {
    let text = "fn f() {
        let a0 = z.clone();
        for i in a1.clone() { a2.clone(); }
        while a3.clone().is_empty() { loop { a4.clone(); } }
        v.iter().map(|x| a5.clone()).for_each(|y| { for w in y { a6.clone(); } });
        o.map(|x| a7.clone());
        let c = || a8.clone();
        let b = async { for i in v { a9.clone(); } };
    }";
    let expected = [("z", 0), ("a1", 0), ("a2", 1), ("a3", 1), ("a4", 2), ("a5", 1), ("a6", 2)];
    for (name, depth) in expected.into_iter().chain([("a7", 0), ("a8", 0), ("a9", 1)]) {
        let source = site(text, &format!("{name}.clone()"));
        assert_eq!(source.loop_depth, depth, "{name}");
        assert_eq!(source.innermost_loop.is_some(), depth > 0, "{name}");
    }
    let text_of = |name: &str| {
        let span = site(text, &format!("{name}.clone()")).innermost_loop.unwrap();
        &text[span.byte_start..span.byte_end]
    };
    assert_eq!(text_of("a4"), "loop { a4.clone(); }");
    assert_eq!(text_of("a5"), "|x| a5.clone()");
    assert_eq!(text_of("a6"), "for w in y { a6.clone(); }");
}

#[test]
fn receivers_are_given_with_their_root() {
    let text = "fn f() {
        a.b.c.clone(); (*d).to_owned(); Arc::clone(&e.f); v[i].to_vec(); g().to_string();
        write!(&mut out, \"{}\", 1); writeln!(h.i, \"x\"); String::from(\"k\"); m.n.lock();
    }";
    let of = |whole: &str| {
        let site = site(text, whole);
        (site.receiver.unwrap_or_default(), site.receiver_root.unwrap_or_default())
    };
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(of("a.b.c.clone()"), pair("a.b.c", "a"));
    assert_eq!(of("(*d).to_owned()"), pair("(*d)", "d"));
    assert_eq!(of("Arc::clone(&e.f)"), pair("e.f", "e"));
    assert_eq!(of("v[i].to_vec()"), pair("v[i]", ""));
    assert_eq!(of("g().to_string()"), pair("g()", ""));
    assert_eq!(of("write!(&mut out, \"{}\", 1)"), pair("&mut out", "out"));
    assert_eq!(of("writeln!(h.i, \"x\")"), pair("h.i", "h"));
    assert_eq!(of("String::from(\"k\")"), pair("", ""));
    assert_eq!(of("m.n.lock()"), pair("m.n", "m"));
}

#[test]
fn a_root_changes_when_it_is_bound_assigned_or_borrowed_mutably_in_the_loop() {
    let changes = |body: &str| {
        let text = format!("fn f() {{ for i in v {{ {body} }} }}");
        let all = sites(&text);
        let clone =
            all.iter().filter_map(|(label, source)| label.contains("clone").then_some(source));
        let found: Vec<_> = clone.flatten().map(|source| source.root_changes_in_loop).collect();
        assert_eq!(found.len(), 1, "{all:?}");
        found[0]
    };
    assert_eq!(changes("x.clone();"), Some(false));
    assert_eq!(changes("y = 1; x.clone();"), Some(false));
    assert_eq!(changes("g(&x); x.len(); x.clone();"), Some(false));
    for body in [
        "i.clone();",
        "let x = g(); x.clone();",
        "x.clone(); x = g();",
        "x.clone(); x.field = 1;",
        "x.clone(); x += 1;",
        "x.clone(); x[0] = 1;",
        "x.clone(); g(&mut x);",
        "x.clone(); x.push(1);",
        "x.clone(); x.entry(1).or_default();",
        "x.clone(); write!(x, \"a\");",
        "if let Some(x) = g() { x.clone(); }",
        "match g() { Some(x) => x.clone(), _ => y };",
        "while let Some(x) = g() { x.clone(); }",
        "g().for_each(|x| { x.clone(); });",
        "x.clone(); println!(\"{}\", g(&mut x));",
    ] {
        assert_eq!(changes(body), Some(true), "{body}");
    }
    assert_eq!(changes("g().clone();"), None, "no root");
    assert_eq!(site("fn f() { x.clone(); }", "x.clone()").root_changes_in_loop, None, "no loop");
    let nested = "fn f() { for i in v { x = i; for j in w { x.clone(); } } }";
    assert_eq!(site(nested, "x.clone()").root_changes_in_loop, Some(false), "innermost only");
}

#[test]
fn usages_are_told_apart() {
    assert_eq!(usage("let y = &x.clone();", "x.clone()"), Usage::Borrowed);
    assert_eq!(usage("x.clone().len();", "x.clone()"), Usage::Receiver("len".to_owned()));
    assert_eq!(usage("m.lock().unwrap();", "m.lock()"), Usage::Receiver("unwrap".to_owned()));
    assert_eq!(usage("g(1, x.clone());", "x.clone()"), argument("g", 1, false));
    assert_eq!(usage("a::g(&x.clone());", "x.clone()"), argument("g", 0, true));
    assert_eq!(
        usage("s.push_str(&format!(\"a\"));", "format!(\"a\")"),
        argument("push_str", 0, true)
    );
    let added = |borrowed| Usage::AddAssign { borrowed };
    assert_eq!(usage("s += &format!(\"a\");", "format!(\"a\")"), added(true));
    assert_eq!(usage("s += x.to_string();", "x.to_string()"), added(false));
    assert_eq!(usage("s -= x.clone();", "x.clone()"), Usage::Other);
    assert_eq!(usage("let y = x.clone();", "x.clone()"), Usage::Bound);
    assert_eq!(usage("let y = (x.clone())?;", "x.clone()"), Usage::Bound);
    assert_eq!(usage("x.clone();", "x.clone()"), Usage::Statement);
    assert_eq!(usage("println!(\"a\");", "println!(\"a\")"), Usage::Statement);
    assert_eq!(usage("x.clone()", "x.clone()"), Usage::Other);
    for compared in ["x.clone() == y", "y != &x.clone()", "g(*y == x.clone())"] {
        assert_eq!(usage(compared, "x.clone()"), Usage::Compared, "{compared}");
    }
    assert_eq!(usage("x.clone() < y", "x.clone()"), Usage::Other);
    assert_eq!(usage("for y in x.clone() {}", "x.clone()"), Usage::Iterated);
    assert_eq!(usage("for y in &x.clone() {}", "x.clone()"), Usage::Borrowed);
    assert_eq!(usage("y = x.clone();", "x.clone()"), Usage::Other);
    let formatted = "let y = format!(\"{} {a}\", z, a = x.to_string());";
    assert_eq!(usage(formatted, "x.to_string()"), argument("format!", 1, true));
    assert_eq!(usage("let y = vec![x.clone()];", "x.clone()"), argument("vec!", 0, false));
}

#[test]
fn arguments_are_texts_and_known_to_be_literals() {
    let of = |body: &str, whole: &str| {
        let source = site(&format!("fn f() {{ {body} }}"), whole);
        (source.arguments, source.literal_arguments)
    };
    let texts = |all: &[&str]| all.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
    let regex = "Regex::new(r\"a+\")";
    assert_eq!(of(regex, regex), (texts(&["r\"a+\""]), true));
    assert_eq!(of("Regex::new(&p)", "Regex::new(&p)"), (texts(&["&p"]), false));
    let insert = "v.insert(-1, a + b)";
    let made = format!("let mut v = Vec::new(); {insert}");
    assert_eq!(of(&made, insert), (texts(&["-1", "a + b"]), false));
    let format = "format!(\"{}-{}\", a.b, 1)";
    assert_eq!(of(format, format), (texts(&["a.b", "1"]), false));
    assert_eq!(of("format!(\"a\")", "format!(\"a\")"), (texts(&[]), true));
    assert_eq!(of("format!(\"{{a}}\")", "format!(\"{{a}}\")"), (texts(&[]), true));
    assert_eq!(of("format!(\"{a}\")", "format!(\"{a}\")"), (texts(&[]), false));
    assert_eq!(of("vec![0; n]", "vec![0; n]"), (texts(&["0", "n"]), false));
    let write = "write!(out, \"{}\", 3)";
    assert_eq!(of(write, write), (texts(&["3"]), true));
    assert_eq!(of("println!()", "println!()"), (texts(&[]), true));
}

#[test]
fn growth_is_of_the_binding_in_a_later_loop() {
    let grown = |body: &str| {
        let text = format!("fn f() {{ {body} }}");
        let all = sites(&text);
        let label = |index: usize| all[index].0.clone();
        let news = all.iter().find(|(label, _)| label.contains("new") || label.contains("vec!"));
        let source = news.unwrap_or_else(|| panic!("{all:?}")).1.clone().unwrap();
        (source.bound_to, source.grown_by.into_iter().map(label).collect::<Vec<_>>().len())
    };
    let v = Some("v".to_owned());
    let new = "let mut v: Vec<u8> = Vec::new();";
    assert_eq!(grown(&format!("{new} for i in w {{ v.push(i); v.extend(i); }}")), (v.clone(), 2));
    assert_eq!(grown(&format!("{new} v.push(1);")), (v.clone(), 0), "no loop");
    assert_eq!(grown(&format!("for i in w {{ {new} v.push(1); }}")), (v.clone(), 0), "loop around");
    assert_eq!(
        grown(&format!("for i in w {{ {new} for j in i {{ v.push(j); }} }}")),
        (v.clone(), 1)
    );
    assert_eq!(grown(&format!("{{ {new} }} for i in w {{ v.push(i); }}")), (v.clone(), 0), "scope");
    let shadowed = format!("{new} let mut v = g(); for i in w {{ v.push(i); }}");
    assert_eq!(grown(&shadowed), (v.clone(), 0), "another v");
    assert_eq!(
        grown(&format!("{new} for v in w {{ v.push(1); }}")),
        (v.clone(), 0),
        "loop's own v"
    );
    assert_eq!(grown(&format!("{new} for i in w {{ v.a.push(i); u.push(i); }}")), (v.clone(), 0));
    let written = "let mut v = String::new(); for i in w { write!(&mut v, \"{i}\"); }";
    assert_eq!(grown(written), (v.clone(), 1));
    assert_eq!(grown("let mut v = vec![]; w.for_each(|x| v.push(x));"), (v, 1));
    assert_eq!(grown("let (a, v) = Vec::new(); for i in w { v.push(i); }"), (None, 0));
}

#[test]
fn sites_inside_macros_and_awaits_are_described() {
    let text = "async fn f() { for i in v { assert_eq!(a.clone(), b); fetch(&i).await?; } }";
    assert_eq!(site(text, "a.clone()").loop_depth, 1);
    let awaited = site(text, "fetch(&i).await");
    assert_eq!(awaited.receiver.as_deref(), Some("fetch(&i)"));
    assert_eq!(awaited.usage, Usage::Statement);
}

#[test]
fn branches_of_polling_macros_are_described() {
    let text = "async fn f() { let a = k; loop {
        tokio::select! {
            Some(x) = next(&r.clone()), if y.to_string() == a => { g(x.clone()); }
            _ = &mut stop => break,
        }
        tokio::join!(one(a.clone()), other);
        info!(id = %z.to_vec(), ?w, \"text {}\", v.to_owned());
    } }";
    let all = sites(text);
    assert_eq!(all.len(), 10, "{all:#?}");
    for (label, source) in &all {
        let source = source.as_ref().unwrap_or_else(|| panic!("{label}"));
        assert_eq!(source.loop_depth, 1, "{label}");
    }
    let branch = site(text, "next(&r.clone())");
    assert_eq!(branch.receiver.as_deref(), Some("next(&r.clone())"));
    assert_eq!(site(text, "x.clone()").root_changes_in_loop, Some(true), "each branch binds anew");
    assert_eq!(site(text, "r.clone()").root_changes_in_loop, Some(false));
    assert_eq!(site(text, "a.clone()").root_changes_in_loop, Some(false));
}

#[test]
fn every_enumerated_site_is_described() {
    let text = "fn f() {
        let a = match x.clone() { Some(y) if y.to_string() == \"a\" => vec![y.to_vec(); 2], _ => Vec::new() };
        let Some(b) = c.lock().unwrap().get(&k.to_string()).cloned() else { return format!(\"{}\", d.clone()); };
        std::println!(\"{}\", e.iter().map(|g| g.to_owned()).collect::<Vec<_>>().len());
        let h = if i.clone() { [j.clone(), l.to_string()] } else { (m.clone(), S { n: o.clone() }).1 };
        let q = unsafe { p.clone() } as u8 + -r.clone() + s.clone()[t.clone()] + u.clone().w;
        return (serde_json::to_string(&v.clone()))?;
    }";
    let all = sites(text);
    assert!(all.len() > 20, "{}", all.len());
    for (label, source) in &all {
        assert!(source.is_some(), "{label}");
    }
}

#[test]
fn nested_items_are_not_described_with_the_function() {
    let text = "fn f() { fn g() { x.clone(); } y.clone(); }";
    assert_eq!(sites(text).len(), 1);
}

#[test]
fn copies_that_are_changed_or_moved_away_are_known() {
    let known =
        |body: &str| site(&format!("fn f() {{ loop {{ {body} }} }}"), "x.clone()").changed_or_moved;
    assert!(!known("let y = x.clone(); g(|| y.len());"));
    assert!(known("let mut y: Y = x.clone(); y.push(1);"));
    assert!(known("let y = x.clone(); spawn(move || y.len());"));
    assert!(known("let y = x.clone(); spawn(async move { y.len() });"));
    assert!(known("let y = x.clone(); loop { spawn(move || 1); }"));
    assert!(!known("loop { let y = x.clone(); } spawn(move || 1);"));
    assert!(!known("g(x.clone()); spawn(move || 1);"));
}

#[test]
fn roots_that_change_under_the_loop_that_reads_the_copy_are_known() {
    let changes =
        |body: &str| site(&format!("fn f() {{ {body} }}"), "v.clone()").root_changes_in_use;
    assert_eq!(changes("for x in v.clone().iter() { v.push(1); }"), Some(true));
    assert_eq!(changes("loop { for x in &v.clone() { v.push(1); } }"), Some(true));
    assert_eq!(changes("for x in &v.clone() { w.push(1); }"), Some(false));
    assert_eq!(changes("for x in w { g(&v.clone()); v.push(1); }"), Some(false));
}

#[test]
fn where_a_root_gets_its_value_is_known() {
    let origin = |body: &str| {
        let all = sites(&format!("fn f(a: A) {{ let b = g(); {body} }}"));
        all[0].1.clone().unwrap().root_origin
    };
    for (body, expected) in [
        ("a.to_vec();", Some(Origin::Outside)),
        ("b.to_vec();", Some(Origin::Inside)),
        ("self.c.to_vec();", Some(Origin::Outside)),
        ("LIST.to_vec();", Some(Origin::Outside)),
        ("for x in w { b.to_vec(); }", Some(Origin::Outside)),
        ("for x in w { x.y.to_vec(); }", Some(Origin::Element)),
        ("w.iter().for_each(|x| g(x.to_vec()));", Some(Origin::Element)),
        ("for i in w { let x = g(i); x.to_vec(); }", Some(Origin::Inside)),
        ("for i in w { if let Some(x) = g(i) { x.to_vec(); } }", Some(Origin::Inside)),
        ("for x in w { for y in z { x.to_vec(); } }", Some(Origin::Outside)),
        ("h(|x| x.to_vec());", Some(Origin::Outside)),
        ("g().to_vec();", None),
    ] {
        assert_eq!(origin(body), expected, "{body}");
    }
}

#[test]
fn roots_that_each_entry_of_the_loop_meets_anew_are_known() {
    let around =
        |body: &str| site(&format!("fn f() {{ {body} }}"), "v.clone()").root_changes_around;
    assert_eq!(around("for v in w { for x in y { g(v.clone()); } }"), Some(true));
    assert_eq!(around("for a in w { for x in y { g(v.clone()); } }"), Some(false));
    assert_eq!(around("for v in w { g(v.clone()); }"), Some(false));
    assert_eq!(around("g(v.clone());"), None);
}

#[test]
fn the_call_that_takes_a_value_is_known() {
    let text = "fn f() { m.get(&k.to_string()); m.entry((k.clone())); g(h.to_vec()); \
        a.to_vec().to_owned(); }";
    let taken = |of: &str| site(text, of).taken_by.map(|index| sites(text)[index].0.clone());
    assert_eq!(taken("k.to_string()").as_deref(), Some("m.get(&k.to_string())"));
    assert_eq!(taken("k.clone()").as_deref(), Some("m.entry(k.clone())"));
    assert_eq!(taken("h.to_vec()"), None);
    assert_eq!(taken("a.to_vec()").as_deref(), Some("a.to_vec().to_owned()"));
}

#[test]
fn the_methods_that_follow_in_the_chain_are_known() {
    let followed = |body: &str| site(&format!("fn f() {{ {body} }}"), "a.to_vec()").followed_by;
    assert_eq!(
        followed("(a.to_vec()?).iter().map(|x| x.y().z()).rev().b;"),
        ["iter", "map", "rev"]
    );
    assert_eq!(followed("g(a.to_vec()).h();"), [""; 0]);
    assert_eq!(followed("b.g(a.to_vec()).h();"), [""; 0]);
    assert_eq!(followed("a.to_vec().b.c();"), [""; 0]);
}

#[test]
fn variables_that_head_and_body_of_a_loop_share_are_known() {
    let shared = |head: &str| {
        let text = format!("fn f() {{ for i in {head} {{ a.push(i); b.c.len(); }} }}");
        let all = sites(&text);
        let found = all.iter().find(|(label, _)| label.contains("collect"));
        found.and_then(|(_, source)| source.clone()).unwrap().read_in_body
    };
    assert_eq!(shared("x.iter().collect::<Vec<_>>()"), Some(false));
    assert_eq!(shared("x.iter().map(|i| i + 1).collect::<Vec<_>>()"), Some(false), "another i");
    assert_eq!(shared("self.x.iter().chain(self.b).collect::<Vec<_>>()"), Some(false));
    assert_eq!(shared("&a.keys().collect::<Vec<_>>()"), Some(true));
    assert_eq!(shared("x.map(|y| y + b.d).collect::<Vec<_>>().iter()"), Some(true));
    let chained = "x.collect::<Vec<_>>()";
    let of =
        |body: &str| site(&format!("fn f() {{ for i in w {{ {body} }} }}"), chained).read_in_body;
    assert_eq!(of("x.collect::<Vec<_>>();"), None);
    assert_eq!(of("x.collect::<Vec<_>>().iter().for_each(|y| a.push(y));"), None);
    assert_eq!(of("x.collect::<Vec<_>>().iter().for_each(|y| x.take(y));"), Some(true));
}

#[test]
fn the_original_stays_where_nothing_changes_or_takes_it_while_the_copy_lives() {
    let stays = |parameters: &str, body: &str| {
        let code = format!("fn f({parameters}) {{ {body} }}");
        let text =
            if code.contains("cart.rows.clone()") { "cart.rows.clone()" } else { "x.clone()" };
        site(&code, text).original_stays
    };
    let copied = "let rows = cart.rows.clone(); show(&rows);";
    assert_eq!(stays("cart: Cart", copied), Some(true));
    assert_eq!(stays("cart: Cart", &format!("{copied} log(&cart.name);")), Some(true));
    assert_eq!(stays("cart: Cart", &format!("{copied} println!(\"{{cart:?}}\");")), Some(true));
    // A reference may be given away: here it is named again, or declared as one.
    let given = format!("{copied} log(cart); log(&cart.name);");
    assert_eq!(stays("cart: Anything", &given), Some(true));
    assert_eq!(stays("cart: &Cart", &format!("{copied} log(cart);")), Some(true));
    assert_eq!(stays("cart: &Cart", &format!("{copied} cart.log();")), Some(true));
    // Each of these may need the copy.
    for after in [
        "drop(cart);",
        "cart.rows = Vec::new();",
        "cart.rows.clear();",
        "cart.recompute();",
        "for row in &rows { cart.total += row.cents; }",
        "let cart = 1;",
        "fill(&mut cart);",
    ] {
        let body = format!("{copied} {after}");
        assert_eq!(stays("mut cart: Cart", &body), Some(false), "{after}");
    }
    assert_eq!(stays("cart: &mut Cart", &format!("{copied} cart.recompute();")), Some(false));
    // In a block of its own it ends before.
    let scoped = format!("{{ {copied} }} cart.recompute();");
    assert_eq!(stays("cart: &mut Cart", &scoped), Some(true));
    assert_eq!(stays("x: String", "show(&x.clone());"), None, "no `let` holds it");
}

#[test]
fn the_only_use_of_a_let_is_known() {
    let once = |body: &str| {
        let code = format!("fn f(line: &str) {{ {body} }}");
        site(&code, "line.split(',').collect()").used_once
    };
    let made = "let parts: Vec<&str> = line.split(',').collect();";
    let used = once(&format!("{made} for part in parts.iter().skip(1) {{ show(part); }}"));
    let used = used.expect("one use");
    assert_eq!(used.usage, Usage::Receiver("iter".to_owned()));
    assert_eq!(used.followed_by, ["iter", "skip"]);
    assert!(!used.read_meanwhile);
    let iterated = once(&format!("{made} for part in parts {{ show(part, line); }}"));
    let iterated = iterated.expect("one use");
    assert_eq!((iterated.usage, iterated.read_meanwhile), (Usage::Iterated, true));
    let given = once(&format!("{made} vec![parts];")).expect("one use");
    assert!(matches!(given.usage, Usage::Argument { .. }), "{given:?}");
    for other in [
        "show(&parts); show(&parts);",
        "for row in rows { for part in parts.iter() { show(part); } }",
        "spawn(|| parts.iter().count());",
    ] {
        assert_eq!(once(&format!("{made} {other}")), None, "{other}");
    }
}
