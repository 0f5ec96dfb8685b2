use super::*;
use crate::facts::SiteSource;

/// What is said of the await that this text ends, in an `async fn` with this body.
fn awaited(body: &str, of: &str) -> (SiteSource, AwaitSource) {
    let text = format!("async fn f(a: &A, w: &mut W) {{ {body} }}");
    let source = super::super::tests::site(&text, of);
    let awaited = source.awaited.clone().unwrap_or_else(|| panic!("{of} is no await"));
    (source, awaited)
}

fn follows(body: &str, of: &str) -> bool {
    awaited(body, of).1.after.is_some()
}

fn repeated(body: &str, of: &str) -> Repeated {
    awaited(body, of).1.repeated
}

#[test]
fn an_await_that_needs_nothing_of_the_one_before_follows_it() {
    let body = |second: &str| format!("let x = a.one(1).await?; let y = {second}.await?;");
    for (second, expected) in [
        ("a.two(2)", true),
        ("a.two(x)", false),
        ("a.two(&x.id)", false),
        ("get(format!(\"/{x}\"))", false),
        ("w.two(2)", false),
        ("two(&mut b)", false),
    ] {
        assert_eq!(follows(&body(second), &format!("{second}.await")), expected, "{second}");
    }
}

#[test]
fn what_stands_between_decides_too() {
    for (between, expected) in [
        ("let z = 1;", true),
        ("let z = x.len();", false),
        ("log(1);", false),
        ("let z = g()?;", false),
        ("if z { return; }", false),
    ] {
        let body = format!("let x = a.one().await; {between} let y = a.two(z).await;");
        assert_eq!(follows(&body, "a.two(z).await"), expected, "{between}");
    }
    assert!(!follows("let mut c = c(); c.one().await; c.two().await;", "c.two().await"));
    assert!(follows("a.one().await?; a.two().await?; a.three().await", "a.three().await"));
    assert!(!follows("{ a.one().await; } a.two().await;", "a.two().await"));
    let three = "let x = a.one().await; let y = a.two().await; let z = a.three(x).await;";
    assert!(!follows(three, "a.three(x).await"), "the first of a run counts too");
}

#[test]
fn loops_tell_whether_an_iteration_needs_the_one_before() {
    for (body, expected) in [
        ("a.get(i).await;", Repeated::Once),
        ("for i in b { a.get(i).await; }", Repeated::Each),
        ("for i in b { let c = i; v.push(a.get(c).await?); }", Repeated::Each),
        ("for i in b { last = a.get(last).await; }", Repeated::Carried),
        ("for i in b { w.get(&mut last).await; }", Repeated::Carried),
        ("for i in b { if a.get(i).await { break; } }", Repeated::Carried),
        ("for i in b { v.push(i); a.get(&v).await; }", Repeated::Carried),
        ("for i in b { let c = last.clone(); last = a.get(c).await; }", Repeated::Carried),
        ("for i in b { let c = &last; let d = c.0; last = a.get(d).await; }", Repeated::Carried),
        ("for i in b { let d; d = last + 1; last = a.get(d).await; }", Repeated::Carried),
        (
            "for i in b { let Some(c) = last else { continue }; last = a.get(c).await; }",
            Repeated::Carried,
        ),
        ("for i in b { if let Some(c) = last { last = a.get(c).await; } }", Repeated::Carried),
        ("for i in b { let c = i + 1; n += c; a.get(c).await; }", Repeated::Each),
        ("for i in b { a.get(i).await; sleep(D).await; }", Repeated::Carried),
        ("for i in b { limit.tick().await; a.get(i).await; }", Repeated::Carried),
        ("for i in b { let p = limit.acquire().await?; a.get(i).await; }", Repeated::Carried),
        ("for i in b { spawn(async { sleep(D).await }); a.get(i).await; }", Repeated::Each),
        ("loop { a.get(i).await; }", Repeated::Carried),
        ("while let Some(x) = a.get(i).await { }", Repeated::Head),
        ("for i in a.get(i).await { }", Repeated::Once),
        ("for i in b { spawn(async move { a.get(i).await }); }", Repeated::Once),
    ] {
        let of =
            ["a.get(i).await", "a.get(c).await", "a.get(last).await", "w.get(&mut last).await"]
                .into_iter()
                .chain(["a.get(&v).await", "a.get(d).await"])
                .find(|of| body.contains(of))
                .unwrap();
        assert_eq!(repeated(body, of), expected, "{body}");
    }
}

#[test]
fn guards_live_to_the_end_of_their_block_or_until_they_are_dropped() {
    let held = |body: &str| !awaited(body, "a.get(i).await").1.held.is_empty();
    assert!(held("let g = a.m.lock().await; a.get(i).await;"));
    assert!(held("let g = a.m.lock().unwrap(); let g = g.get(1); a.get(i).await;"));
    assert!(held("let g = a.m.write().await; if b { a.get(i).await; }"));
    assert!(!held("let g = a.m.lock().await; drop(g); a.get(i).await;"));
    assert!(!held("{ let g = a.m.lock().await; } a.get(i).await;"));
    assert!(!held("let n = a.m.lock().await.len(); a.get(i).await;"));
    assert!(!held("let n = *a.m.lock().await; a.get(i).await;"));
    assert!(!held("let g = a.m.lock().await; spawn(async { a.get(i).await });"));
    assert!(!held("a.get(i).await; let g = a.m.lock().await;"));
}

#[test]
fn the_callee_is_the_last_name() {
    let callee = |of: &str| awaited(&format!("{of}.await;"), &format!("{of}.await")).1.callee;
    assert_eq!(callee("sqlx::query(q).bind(i).fetch_one(&a.pool)").as_deref(), Some("fetch_one"));
    assert_eq!(callee("tokio::time::sleep(d)").as_deref(), Some("sleep"));
    assert_eq!(callee("task"), None);
}
