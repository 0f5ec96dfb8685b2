//! Closures that run once an element.

use syn::{Expr, ExprMethodCall};

/// Methods that only iterators and collections have.
const ITERATES: &[&str] = &[
    "all",
    "any",
    "chunk_by",
    "dedup_by",
    "dedup_by_key",
    "filter_map",
    "find",
    "find_map",
    "flat_map",
    "fold",
    "for_each",
    "for_each_concurrent",
    "map_while",
    "max_by",
    "max_by_key",
    "min_by",
    "min_by_key",
    "partition",
    "partition_point",
    "position",
    "reduce",
    "repeat_with",
    "resize_with",
    "retain",
    "retain_mut",
    "rfind",
    "rfold",
    "rposition",
    "scan",
    "skip_while",
    "sort_by",
    "sort_by_cached_key",
    "sort_by_key",
    "sort_unstable_by",
    "sort_unstable_by_key",
    "take_while",
    "try_fold",
    "try_for_each",
];

/// Methods of iterators that `Option` and `Result` have too.
const AMBIGUOUS: &[&str] = &["filter", "inspect", "map"];

/// Methods that give an iterator whatever they are called on.
const SOURCES: &[&str] = &[
    "bytes",
    "char_indices",
    "chars",
    "chunks",
    "chunks_exact",
    "cycle",
    "drain",
    "enumerate",
    "into_iter",
    "into_keys",
    "into_par_iter",
    "into_values",
    "iter",
    "iter_mut",
    "keys",
    "lines",
    "matches",
    "par_bridge",
    "par_iter",
    "par_iter_mut",
    "peekable",
    "rev",
    "rsplit",
    "skip",
    "split",
    "split_ascii_whitespace",
    "split_whitespace",
    "splitn",
    "step_by",
    "values",
    "values_mut",
    "windows",
];

/// Methods that hand on whether their receiver is an iterator.
const ADAPTERS: &[&str] =
    &["by_ref", "chain", "cloned", "copied", "flatten", "fuse", "take", "zip"];

/// Whether closures among the arguments of this call run once for each of many elements.
pub(super) fn calls_per_element(call: &ExprMethodCall) -> bool {
    let name = call.method.to_string();
    let name = name.as_str();
    ITERATES.contains(&name) || AMBIGUOUS.contains(&name) && is_iterator(&call.receiver)
}

/// Whether several threads or futures may run the closures of this call at once, so that they can share
/// nothing that one of them changes: a parallel iterator.
pub(super) fn runs_at_once(call: &ExprMethodCall) -> bool {
    let name = call.method.to_string();
    name.starts_with("par_")
        || matches!(name.as_str(), "into_par_iter" | "for_each_concurrent")
        || matches!(&*call.receiver, Expr::MethodCall(inner) if runs_at_once(inner))
}

fn is_iterator(expr: &Expr) -> bool {
    match expr {
        Expr::MethodCall(call) => {
            let name = call.method.to_string();
            let name = name.as_str();
            SOURCES.contains(&name)
                || ITERATES.contains(&name)
                    && matches!(
                        name,
                        "filter_map"
                            | "flat_map"
                            | "scan"
                            | "map_while"
                            | "skip_while"
                            | "take_while"
                    )
                || (AMBIGUOUS.contains(&name) || ADAPTERS.contains(&name))
                    && is_iterator(&call.receiver)
        }
        Expr::Range(_) => true,
        Expr::Paren(paren) => is_iterator(&paren.expr),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parallel_iterators_are_told() {
        let shared = |text: &str| runs_at_once(&syn::parse_str(text).unwrap());
        for text in ["v.par_iter().enumerate().map(f)", "s.for_each_concurrent(4, f)"] {
            assert!(shared(text), "{text}");
        }
        assert!(!shared("v.iter().map(f)"));
    }

    fn per_element(text: &str) -> bool {
        calls_per_element(&syn::parse_str(text).unwrap())
    }

    #[test]
    fn iterators_are_told_from_options() {
        for text in [
            "v.iter().map(f)",
            "(0..n).map(f)",
            "s.lines().filter_map(f).take(3).map(f)",
            "v.for_each(f)",
            "v.sort_by_key(f)",
            "a.iter().zip(b).map(f)",
        ] {
            assert!(per_element(text), "{text}");
        }
        for text in ["o.map(f)", "o.as_ref().map(f)", "o.unwrap_or_else(f)", "f().take().map(f)"] {
            assert!(!per_element(text), "{text}");
        }
    }
}
