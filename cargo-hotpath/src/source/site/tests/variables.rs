//! What is known of variables: how they are used, what they hold, where they are used last.

use super::{site, sites};

#[test]
fn bindings_that_are_only_lent_are_known() {
    let lent = |body: &str| {
        let text = format!("fn f() {{ for i in w {{ let mut v = Vec::new(); {body} }} }}");
        site(&text, "Vec::new()").only_lent == Some(true)
    };
    for body in [
        "v.push(1); g(&v); h(&mut v, v.len());",
        "write!(v, \"{}\", 1); println!(\"{v:?}\"); format!(\"{}\", v);",
        "for x in &v { if v[0] == v { v += &v; } }",
        "u.map(|x| v.push(x)); { let v = g(); h(v); }",
    ] {
        assert!(lent(body), "{body}");
    }
    for body in [
        "g(v);",
        "out.push(v);",
        "v.into_iter();",
        "let w = v;",
        "return v;",
        "v = g();",
        "S { v };",
        "move || v.len();",
        "async move { v.len() };",
        "vec![v];",
        "mine!(v => 1);",
        "mine!(\"{v:?}\");",
        "mem::take(&mut v);",
        "std::mem::swap(&mut u, &mut v);",
        "for x in v {}",
    ] {
        assert!(!lent(body), "{body}");
    }
}

#[test]
fn loops_whose_iterations_may_run_at_once_are_known() {
    let shared = |text: &str| site(&format!("fn f() {{ {text} }}"), "String::new()").loop_is_shared;
    assert_eq!(shared("v.par_iter().for_each(|x| { String::new(); });"), Some(true));
    assert_eq!(shared("v.par_iter().for_each(|x| for y in x { String::new(); });"), Some(false));
    assert_eq!(shared("v.iter().for_each(|x| { String::new(); });"), Some(false));
    assert_eq!(shared("String::new();"), None);
}

#[test]
fn items_that_a_body_only_borrows_are_known() {
    let lent = |text: &str| {
        let all = sites(&format!("fn f() {{ {text} }}"));
        let lines = all.iter().find(|(label, _)| label.contains(".lines()"));
        lines.unwrap().1.clone().unwrap().items_only_lent
    };
    for text in [
        "for l in r.lines() { let l = l?; g(&l); h(l.len()); }",
        "for l in r.lines() { let Ok(l) = l else { break }; g(l.trim()); }",
        "for l in r.lines() { if let Ok(l) = l { println!(\"{l}\"); } }",
        "for l in r.lines() { let n = l.unwrap(); for w in n.split(' ') { g(w); } }",
        "for l in r.lines() { g(&l?); }",
        "for (i, l) in r.lines().enumerate() { let l = l?; v.push(i); g(&l); }",
        "for l in r.lines().map_while(Result::ok) { g(&l); }",
    ] {
        assert_eq!(lent(text), Some(true), "{text}");
    }
    for text in [
        "for l in r.lines() { let l = l?; g(l); }",
        "for l in r.lines() { v.push(l?); }",
        "for l in r.lines() { let l = l?; g(&l); v.push(l); }",
        "for l in r.lines() { match l { Ok(l) => v.push(l), Err(e) => g(e) } }",
        "for l in r.lines() { let m = l?; v.push(Row { m }); }",
        "for l in r.lines() { mine!(l => 1); }",
        "for l in r.lines().map_while(Result::ok) { v.push(l); }",
    ] {
        assert_eq!(lent(text), Some(false), "{text}");
    }
    assert_eq!(lent("for (i, (l, m)) in r.lines().enumerate() {}"), None);
}

#[test]
fn growth_anywhere_is_known_beside_that_in_a_loop() {
    let text = "fn f() { for i in w { let mut v = Vec::new(); v.push(1); v.insert(0, 2); u.insert(0, 1); } }";
    let source = site(text, "Vec::new()");
    assert_eq!((source.grown_by.len(), source.fed_by.len()), (0, 2));
}

#[test]
fn the_last_use_of_a_variable_is_known() {
    let last = |body: &str| {
        site(&format!("fn f(x: X, y: Y) {{ {body} }}"), "x.clone()").last_use == Some(true)
    };
    for body in [
        "g(x.clone());",
        "x.len(); g(x.clone()); let x = 1; h(x);",
        "let z = x.clone(); h(z);",
        "let n = x.len(); g(n); g(x.clone());",
        "{ let y = &x; h(y); } g(x.clone());",
        "let mut s = S::new(); s.push(x.len()); g(x.clone()); h(s);",
        "let mut s = S::new(); s.push(&x); h(s); g(x.clone());",
    ] {
        assert!(last(body), "{body}");
    }
    for body in [
        "g(x.clone()); h(x);",
        "g(x.clone(), &x);",
        "g(&x, x.clone());",
        "g(x.clone()); println!(\"{x}\");",
        "g(x.clone()); mine!(a => x);",
        "g(x.clone()); mine!(a => \"{x}\");",
        "g(x.clone()); anyhow!(\"{x}\");",
        "g(x.clone()); log::info!(target: \"t\", \"{x}\");",
        "for i in w { g(x.clone()); }",
        "w.iter().map(|i| x.clone());",
        "let c = || x.clone();",
        "async { x.clone() };",
        "let r = &x; g(x.clone()); h(r);",
        "let mut s = S::new(); s.push(&x); g(x.clone()); h(s);",
        "let mut s = S::new(); s.insert(x.as_str(), 1); g(x.clone()); s.len();",
        "for r in &x { g(x.clone()); h(r); }",
        "if a { g(x.clone()); } else { h(x); }",
    ] {
        assert!(!last(body), "{body}");
    }
    let field = "fn f(x: X) { g(x.y.clone()); }";
    assert_eq!(site(field, "x.y.clone()").last_use, None, "a field isn't the variable");
    let looped = "fn f() { for x in w { g(x.clone()); } }";
    assert_eq!(site(looped, "x.clone()").last_use, Some(true), "each iteration has its own");
}

#[test]
fn what_is_known_of_a_variable_is_its_type_and_what_it_was_bound_to() {
    let text = "fn f(a: &'a  str, (b, c): (u8, u8)) { let d: Vec<u8> = w; let e = g.to_vec(); \
        a.to_owned(); b.clone(); d.clone(); e.clone(); e.f.clone(); }";
    let declared = |of: &str| site(text, of).declared_type;
    assert_eq!(declared("a.to_owned()").as_deref(), Some("&'a  str"));
    assert_eq!(declared("b.clone()"), None);
    assert_eq!(declared("d.clone()").as_deref(), Some("Vec<u8>"));
    assert_eq!(declared("e.clone()"), None);
    assert_eq!(site(text, "e.clone()").bound_by, Some(0));
    assert_eq!(site(text, "e.f.clone()").bound_by, None);
}
