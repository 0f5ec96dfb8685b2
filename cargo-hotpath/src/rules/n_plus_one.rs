//! `n-plus-one`: a query for each item of a list.

use crate::facts::{Facts, Repeated};
use crate::impact::Saved;
use crate::rules::await_in_loop::MIN_PER_CALL;
use crate::rules::awaits::{Await, awaits};
use crate::rules::{Candidate, Explain, Gain, Meta, Rule, Thresholds};
use crate::schema::{Category, Confidence, Effort};
use crate::units;

/// Part of the queries' time that surely goes.
const SURE: f64 = 0.5;

/// Part of it that is likely to go: the one query that is left has more to do.
const LIKELY: f64 = 0.8;

/// The rule.
pub(super) struct NPlusOne;

static META: Meta = Meta {
    id: "n-plus-one",
    summary: "a query for each item of a list",
    category: Category::Async,
    effort: Effort::Local,
    evidence: "number and wait of queries (awaits of a database driver's futures) in a loop, here or in the function \
               that the loop calls",
    thresholds: &[MIN_PER_CALL],
    docs: "https://docs.rs/sqlx/latest/sqlx/fn.query_as.html",
    explain: Explain {
        means: "Each query costs the way to the database and back, whatever it asks. One that asks for all items costs it\n\
                once.",
        found: "Futures are recognised by the crate of their type (`sqlx`, `tokio-postgres`, `diesel-async`, `redis`\n\
                and others). One that runs in the body of a loop, or in an async function that the loop\n\
                awaits, runs once for each item.",
        not_when: "The items are few, or are bound to different databases. A query for very many items is split into\n\
                   parts.",
        before: "for order in orders {\n    let lines = query(LINES_OF).bind(order).fetch_all(&pool).await?;\n}",
        after: "// SELECT .. WHERE order_id = ANY(?)\nlet lines = query(LINES_OF_ALL).bind(&orders).fetch_all(&pool).await?;",
    },
};

impl Rule for NPlusOne {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        let all = awaits(facts, thresholds);
        let repeated = all.iter().filter(|it| is_repeated(it));
        repeated.filter_map(|it| Some(candidate(it, query(facts, &all, it)?))).collect()
    }
}

fn is_repeated(it: &Await<'_>) -> bool {
    // The iterations of other loops are often events, each of which comes by itself.
    it.source.repeated == Repeated::Each
        && it.site.per_call() >= it.site.threshold(&MIN_PER_CALL)
        && it.wait_ns() > 0.0
}

/// The query that an iteration makes: this one, or one in the function that it awaits.
fn query<'a>(facts: &'a Facts, all: &'a [Await<'a>], it: &'a Await<'a>) -> Option<&'a Await<'a>> {
    if it.is_query() {
        return Some(it);
    }
    let callee = it.source.callee.as_deref()?;
    let edges = facts.edges.iter().filter(|edge| edge.caller == Some(it.site.function));
    let named = edges.filter(|edge| {
        let path = &facts.functions[edge.callee].path;
        path.rsplit("::").next() == Some(callee) && edge.calls >= it.site.count() / 2
    });
    let queries = named.flat_map(|edge| {
        all.iter().filter(move |inner| inner.site.function == edge.callee && inner.is_query())
    });
    queries.max_by(|a, b| a.wait_ns().total_cmp(&b.wait_ns()))
}

fn candidate(it: &Await<'_>, query: &Await<'_>) -> Candidate {
    let (wait, items) = (it.wait_ns(), it.site.per_call());
    let gone = wait * (1.0 - 1.0 / items);
    let asked = if query.is_at(it.site.function, it.site.index()) {
        String::new()
    } else {
        format!(" It makes the query `{}` in `{}`.", query.site.label(), query.site.of.path)
    };
    Candidate {
        anchor: Some(it.site.anchor()),
        title: format!("a query for each item: {items:.0} in each call"),
        problem: format!(
            "{}: {items:.0} for each call of the function.{asked}",
            it.measured()
        ),
        solution: "Ask once for all items.".to_owned(),
        steps: vec![
            "Gather the keys, and ask with `WHERE key IN (..)`, `= ANY(?)` or a `JOIN`.".to_owned(),
            "Give each item its rows: sort by the key, or gather them in a map.".to_owned(),
        ],
        tradeoffs: "The rows of all items are in memory at once. Databases limit how many values a query binds.".to_owned(),
        confidence: Confidence::High,
        effort: META.effort,
        gain: Some(Gain {
            claims: vec![it.claim(Saved::new(SURE * gone, LIKELY * gone, gone))],
            allocs: None,
            alloc_bytes: None,
            basis: format!(
                "(n - 1)/n of {} for n = {items:.0} (likely {:.0} %, low {:.0} %: the query that is left has more to do){}",
                units::time(wait),
                100.0 * LIKELY,
                100.0 * SURE,
                it.shared()
            ),
        }),
        fix: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Edge, FunctionFacts, SiteFacts};
    use crate::rules::testing::{awaited, best_wait_ns, run, with_await};

    const FETCH: &str = "sqlx_core::query_as::QueryAs<Sqlite>::fetch_all::{{closure}}";

    fn looped(type_name: &str, repeated: Repeated) -> SiteFacts {
        let site = with_await(awaited("store.lines_of(id).await", 100, 400_000_000), |it| {
            it.callee = Some("lines_of".to_owned());
            it.repeated = repeated;
        });
        SiteFacts { type_name: Some(type_name.to_owned()), ..site }
    }

    /// The loop, and the function that it calls for each item.
    fn nested(type_name: &str, calls: u64) -> Facts {
        let mut facts = run(vec![looped("app::lines_of::{{closure}}", Repeated::Each)]);
        let mut query = awaited("fetch_all(&self.pool).await", 100, 390_000_000);
        query.type_name = Some(type_name.to_owned());
        facts.functions.push(FunctionFacts {
            path: "app::Store::lines_of".to_owned(),
            calls: 100,
            sites: vec![query],
            ..FunctionFacts::default()
        });
        facts.edges.push(Edge { caller: Some(0), callee: 1, calls, total_ns: 0 });
        facts
    }

    #[test]
    fn fires_on_a_query_in_a_loop() {
        let found =
            NPlusOne.check(&run(vec![looped(FETCH, Repeated::Each)]), &Thresholds::default());
        assert_eq!(found[0].title, "a query for each item: 100 in each call");
        let best = best_wait_ns(&found[0]).unwrap();
        assert!((best - 0.8 * 0.99 * 400e6).abs() < 1.0, "{best}");
    }

    #[test]
    fn fires_where_the_query_is_in_the_function_that_the_loop_calls() {
        let found = NPlusOne.check(&nested(FETCH, 100), &Thresholds::default());
        assert_eq!(found.len(), 1);
        assert!(
            found[0].problem.contains("`fetch_all(&self.pool).await` in `app::Store::lines_of`")
        );
    }

    #[test]
    fn silent_on_loops_of_events() {
        let facts = run(vec![looped(FETCH, Repeated::Carried)]);
        assert!(NPlusOne.check(&facts, &Thresholds::default()).is_empty());
    }

    #[test]
    fn silent_without_a_loop_a_query_or_many_items() {
        assert!(
            NPlusOne
                .check(&run(vec![looped(FETCH, Repeated::Once)]), &Thresholds::default())
                .is_empty()
        );
        assert!(
            NPlusOne
                .check(&run(vec![looped(FETCH, Repeated::Head)]), &Thresholds::default())
                .is_empty()
        );
        assert!(
            NPlusOne
                .check(&nested("app::get::{{closure}}", 100), &Thresholds::default())
                .is_empty()
        );
        assert!(
            NPlusOne.check(&nested(FETCH, 10), &Thresholds::default()).is_empty(),
            "called from elsewhere"
        );
        let few = SiteFacts { count: 3, ..looped(FETCH, Repeated::Each) };
        assert!(NPlusOne.check(&run(vec![few]), &Thresholds::default()).is_empty());
    }
}
