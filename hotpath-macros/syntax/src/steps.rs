//! What a `for` goes through where a probe counts its steps: `.lines()`, and what hands its items on.
//!
//! The probe stands around the whole head, of which a `for` asks nothing but that it can be gone
//! through.

use syn::{Expr, ExprMethodCall};

/// A chain in the head of a `for`.
pub struct Steps<'e> {
    /// The call that makes the iterator: `.lines()`.
    pub source: &'e ExprMethodCall,
    /// Whether the `for` gets items with their numbers.
    pub numbered: bool,
}

/// The chain that the head of a `for` is; `None` where that is anything else.
pub fn steps(head: &Expr) -> Option<Steps<'_>> {
    match head {
        Expr::Paren(paren) => steps(&paren.expr),
        Expr::Group(group) => steps(&group.expr),
        Expr::MethodCall(call) if call.method == "lines" && call.args.is_empty() => {
            Some(Steps { source: call, numbered: false })
        }
        Expr::MethodCall(call) => {
            let inner = steps(&call.receiver)?;
            let numbers = call.method == "enumerate";
            let is_once = !(numbers && inner.numbered);
            (hands_on(call) && is_once)
                .then_some(Steps { numbered: numbers || inner.numbered, ..inner })
        }
        _ => None,
    }
}

/// Whether a call gives the items as they are, fewer of them, with their numbers or out of their `Result`.
fn hands_on(call: &ExprMethodCall) -> bool {
    let name = call.method.to_string();
    match (name.as_str(), call.args.len()) {
        ("enumerate" | "flatten", 0) | ("skip" | "take", 1) => true,
        ("filter_map" | "map" | "map_while", 1) => call.args.first().is_some_and(unwraps),
        _ => false,
    }
}

/// `Result::ok` and its like.
fn unwraps(function: &Expr) -> bool {
    let Expr::Path(function) = function else { return false };
    let mut backwards = function.path.segments.iter().rev().map(|segment| &segment.ident);
    let name = backwards.next();
    let of_result = backwards.next().is_some_and(|owner| owner == "Result");
    of_result && name.is_some_and(|name| name == "ok" || name == "unwrap")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_that_hand_items_on_have_steps() {
        let numbered = |text: &str| steps(&syn::parse_str(text).unwrap()).map(|it| it.numbered);
        for (text, expected) in [
            ("r.lines()", Some(false)),
            ("(stdin().lock().lines())", Some(false)),
            ("r.lines().skip(1).enumerate()", Some(true)),
            ("r.lines().map_while(Result::ok)", Some(false)),
            ("r.lines().flatten().take(n)", Some(false)),
            ("r.lines().map(|l| l.unwrap())", None),
            ("s.lines().map(String::from)", None),
            ("r.lines().rev()", None),
            ("r.lines().enumerate().enumerate()", None),
            ("&r.lines()", None),
            ("r.lines(1)", None),
            ("f(r.lines())", None),
            ("r.lines().peekable()", None),
        ] {
            assert_eq!(numbered(text), expected, "{text}");
        }
    }
}
