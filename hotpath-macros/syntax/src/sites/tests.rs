use super::*;
use quote::ToTokens as _;

/// Each site as `kind form label`, with `async` before the text for an async body.
fn sites(body: &str) -> Vec<String> {
    listed(body, false)
}

fn listed(body: &str, is_async: bool) -> Vec<String> {
    let mut block: Block = syn::parse_str(&format!("{{ {body} }}")).unwrap();
    let mut found = Vec::new();
    enumerate(&mut block, is_async, SiteSelection::Calls, &mut |_: &mut Expr, site: Site| {
        let probe = match &site.probe {
            Probe::On(_) | Probe::GrowOn(_) => " on",
            Probe::Value | Probe::Grow | Probe::Await | Probe::Steps => "",
        };
        let mark = if site.marks_receiver { " mark" } else { "" };
        found.push(format!("{} {:?}{probe}{mark} {}", site.kind, site.form, site.label));
    });
    found
}

#[test]
fn inner_sites_come_first() {
    assert_eq!(
        sites("let mut v = vec![]; v.push(a.clone()); let x = b.lock().unwrap().to_string();"),
        [
            "vec Call vec![]",
            "clone Call a.clone()",
            "grow Call on v.push(a.clone())",
            "lock Call on b.lock()",
            "to_string Call mark b.lock().unwrap().to_string()",
        ]
    );
}

#[test]
fn lines_are_counted_where_a_for_goes_through_them() {
    assert_eq!(
        sites("for l in a.to_vec().lines().skip(b.clone()) { c.clone(); }"),
        [
            "to_vec Call a.to_vec()",
            "clone Call b.clone()",
            "lines Steps a.to_vec().lines().skip(b.clone())",
            "clone Call c.clone()",
        ]
    );
    for text in [
        "let l = a.lines();",
        "for l in a.lines().rev() {}",
        "for l in f(a.lines()) {}",
        "for l in &a.lines() {}",
        "for l in b { a.lines(); }",
    ] {
        assert!(sites(text).is_empty(), "{text}");
    }
}

#[test]
fn the_operand_of_a_reference_is_a_field() {
    assert_eq!(
        sites("f(&a.clone(), &mut (vec![1]), &other::call(), &b.clone().c);"),
        ["clone Field a.clone()", "vec Field vec![1]", "clone Call b.clone()"]
    );
}

#[test]
fn const_contexts_items_and_arrays_are_left_alone() {
    assert!(
        sites("const A: String = x.clone(); fn g() { x.clone(); } let a = [x.clone(); 3];")
            .is_empty()
    );
    assert!(
        sites("let a = const { Vec::<u8>::new() }; let b: [u8; x.clone()] = f::<{ x.clone() }>();")
            .is_empty()
    );
}

#[test]
fn known_macros_are_read_and_others_are_not() {
    assert_eq!(
        sites(
            "println!(\"{} {x}\", a.clone(), x = b.clone()); mine!(a.clone()); vec![c.clone(); 3];"
        ),
        [
            "clone Call a.clone()",
            "clone Call b.clone()",
            "print Call println!(\"{} {x}\", a.clone(), x = b.clo…",
            "clone Call c.clone()",
            "vec Call vec![c.clone(), 3]",
        ]
    );
    assert_eq!(
        sites("assert!(a.clone()); assert!(a.clone(), \"x\"); assert_eq!(b.clone(), 1);"),
        ["clone Call a.clone()", "clone Call b.clone()"]
    );
    assert_eq!(sites("format_args!(\"{}\", a.clone());"), [""; 0]);
    assert_eq!(
        sites("write!(&mut out, \"{}\", 1);"),
        ["write Call on write!(&mut out, \"{}\", 1)"]
    );
}

#[test]
fn no_token_is_held_over_a_suspension() {
    assert_eq!(
        listed(
            "g(a).await.clone(); v.push(h().await); v.push(mine!(x.await)); m.lock().await;",
            true
        ),
        ["await Await g(a).await", "await Await h().await", "await Await m.lock().await"]
    );
    assert_eq!(
        listed(
            "let v: Vec<_> = Vec::new(); Box::pin(async move { h().await }); v.push(|| async { h().await });",
            true
        ),
        [
            "new Call Vec::new()",
            "await Await h().await",
            "new Call Box::pin(..)",
            "await Await h().await",
            "grow Call on v.push(|..| ..)",
        ]
    );
}

#[test]
fn closures_borrow_only_their_own_variables() {
    assert_eq!(
        sites(
            "let v = String::new(); || { let a = Vec::new(); v.push(1); a.push(2); }; \
             move || v.push(3); || LOG.lock();"
        ),
        [
            "new Call String::new()",
            "new Call Vec::new()",
            "grow Call v.push(1)",
            "grow Call on a.push(2)",
            "grow Call on v.push(3)",
            "lock Call on LOG.lock()",
        ]
    );
}

#[test]
fn growth_is_looked_at_where_the_collection_was_made() {
    assert_eq!(
        sites(
            "let a: Vec<u8> = Vec::default(); let b = x(); let c = Vec::with_capacity(1); \
             a.push(1); a.extend(x); b.push(1); c.push(1); self.d.push(1); a.e.insert(0, 1);"
        ),
        [
            "with_capacity Call Vec::with_capacity(1)",
            "grow Call on a.push(1)",
            "grow Call on a.extend(x)",
            "shift Call on a.e.insert(0, 1)",
        ]
    );
    assert_eq!(
        sites("let mut a = vec![]; a.insert(1, x); a.insert(0, y); b.insert(1, x);"),
        [
            "vec Call vec![]",
            "grow Call on a.insert(1, x)",
            "shift Call on a.insert(0, y)",
            "lookup Call on b.insert(1, x)",
        ]
    );
}

#[test]
fn lookups_are_looked_at_where_the_receiver_can_be_told() {
    assert_eq!(
        sites(
            "self.m.entry(k).or_default(); f(&m.get(&k)); g().get(&k); v[0].get(&k); \
             c.iter().map(|x| m.get(&x)); move || m.contains_key(k); \
             v.iter().any(|x| x.id == 1); v[0].iter().any(|x| x.id == 1);"
        ),
        [
            "lookup Call on self.m.entry(k)",
            "lookup Field on m.get(&k)",
            "lookup Call on m.contains_key(k)",
            "search Call on mark v.iter().any(|..| ..)",
        ]
    );
    let mut block: Block = syn::parse_str("{ g().get(&k); m.get(&k); }").unwrap();
    let mut kinds = Vec::new();
    enumerate(&mut block, false, SiteSelection::All, &mut |_: &mut Expr, site: Site| {
        kinds.push(site.kind);
    });
    assert_eq!(kinds, [Kind::Other, Kind::Other, Kind::Lookup]);
    assert_eq!(listed("m.get(&k).await;", true), ["await Await m.get(&k).await"]);
}

#[test]
fn guards_and_arms_are_walked() {
    assert_eq!(
        sites("match a.clone() { Some(x) if x.clone() == y => x.to_string(), _ => z.to_vec() }")
            .len(),
        4
    );
}

#[test]
fn the_sink_changes_neither_order_nor_number() {
    let text =
        "{ v.send(format!(\"{}\", a.clone())); println! { \"x\" } vec![b.clone()].to_vec() }";
    let mut plain: Block = syn::parse_str(text).unwrap();
    let untouched = plain.to_token_stream().to_string();
    let mut expected = Vec::new();
    enumerate(&mut plain, false, SiteSelection::Calls, &mut |_: &mut Expr, site: Site| {
        expected.push((site.kind, site.label));
    });
    assert_eq!(plain.to_token_stream().to_string(), untouched);
    let mut rewritten: Block = syn::parse_str(text).unwrap();
    let mut found = Vec::new();
    let count = enumerate(
        &mut rewritten,
        false,
        SiteSelection::Calls,
        &mut |expr: &mut Expr, site: Site| {
            *expr = syn::parse_str(&format!("site({})", site.index)).unwrap();
            found.push((site.kind, site.label));
        },
    );
    assert_eq!(found, expected);
    assert_eq!(count as usize, expected.len());
    assert!(rewritten.to_token_stream().to_string().contains("site (2) ;"));
}

#[test]
fn positions_are_those_of_the_name() {
    let mut block: Block =
        syn::parse_str("{ a.b\n  .clone(); std::format!(\"\"); Arc::clone(&a); }").unwrap();
    let mut found = Vec::new();
    enumerate(&mut block, false, SiteSelection::Calls, &mut |_: &mut Expr, site: Site| {
        found.push(site.position.start());
    });
    let positions: Vec<(usize, usize)> = found.iter().map(|at| (at.line, at.column)).collect();
    assert_eq!(positions, [(2, 3), (2, 12), (2, 30)]);
}

#[test]
fn what_blocks_is_a_site_only_where_others_could_run() {
    let body = "thread::sleep(a); spawn_blocking(|| fs::read(b)); spawn(async { fs::read(c) });";
    assert_eq!(sites(body), ["block Call fs::read(c)"]);
    assert_eq!(listed(body, true), ["block Call thread::sleep(a)", "block Call fs::read(c)"]);
}

#[test]
fn what_is_sent_is_counted_by_the_type_of_the_channel() {
    assert_eq!(
        listed("self.queue.send(a); queue().send(b); self.queue.send(c).await;", true),
        ["send Call on self.queue.send(a)", "await Await self.queue.send(c).await"]
    );
}
