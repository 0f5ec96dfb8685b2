//! Which variable an expression reads or changes, as far as its syntax tells.

use syn::punctuated::Punctuated;
use syn::{Expr, Pat, Token, UnOp};

/// First identifier of a path or field access (`self` of `self.a.b`), through `*`, `&` and
/// parentheses; `None` for everything whose value may change while that identifier doesn't.
pub(super) fn root(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Path(path) => path.path.segments.first().map(|segment| segment.ident.to_string()),
        Expr::Field(field) => root(&field.base),
        Expr::Paren(paren) => root(&paren.expr),
        Expr::Group(group) => root(&group.expr),
        Expr::Reference(reference) => root(&reference.expr),
        Expr::Unary(unary) if matches!(unary.op, UnOp::Deref(_)) => root(&unary.expr),
        _ => None,
    }
}

/// The variable that an assignment to `expr`, or a change in place, changes: as [`root`], and
/// through indices and method calls (`map.entry(k).or_default()` changes `map`).
pub(super) fn changed_root(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Index(index) => changed_root(&index.expr),
        Expr::MethodCall(call) => changed_root(&call.receiver),
        Expr::Try(inner) => changed_root(&inner.expr),
        Expr::Await(inner) => changed_root(&inner.base),
        Expr::Field(field) => changed_root(&field.base),
        Expr::Paren(paren) => changed_root(&paren.expr),
        Expr::Unary(unary) => changed_root(&unary.expr),
        Expr::Reference(reference) => changed_root(&reference.expr),
        other => root(other),
    }
}

/// Whether a method of this name usually takes `&mut self`.
pub(super) fn is_mutator(method: &str) -> bool {
    method.ends_with("_mut")
        || method.starts_with("set_")
        || method.starts_with("push")
        || method.starts_with("pop")
        || method.starts_with("insert")
        || method.starts_with("remove")
        || method.starts_with("sort")
        || method.starts_with("read_")
        || method.starts_with("write_")
        || matches!(
            method,
            "append"
                | "clear"
                | "clone_from"
                | "dedup"
                | "drain"
                | "entry"
                | "extend"
                | "extend_from_slice"
                | "fill"
                | "flush"
                | "get_or_insert"
                | "get_or_insert_with"
                | "next"
                | "next_back"
                | "nth"
                | "read"
                | "replace"
                | "resize"
                | "retain"
                | "reverse"
                | "rotate_left"
                | "rotate_right"
                | "split_off"
                | "swap"
                | "swap_remove"
                | "take"
                | "truncate"
                | "write"
        )
}

/// The names that a pattern binds.
pub(super) fn bound(pat: &Pat, names: &mut Vec<String>) {
    match pat {
        Pat::Ident(pat) => {
            names.push(pat.ident.to_string());
            if let Some((_, inner)) = &pat.subpat {
                bound(inner, names);
            }
        }
        Pat::Or(pat) => pat.cases.iter().for_each(|case| bound(case, names)),
        Pat::Paren(pat) => bound(&pat.pat, names),
        Pat::Reference(pat) => bound(&pat.pat, names),
        Pat::Slice(pat) => all_bound(&pat.elems, names),
        Pat::Tuple(pat) => all_bound(&pat.elems, names),
        Pat::TupleStruct(pat) => all_bound(&pat.elems, names),
        Pat::Struct(pat) => pat.fields.iter().for_each(|field| bound(&field.pat, names)),
        Pat::Type(pat) => bound(&pat.pat, names),
        Pat::Guard(pat) => bound(&pat.pat, names),
        _ => {}
    }
}

fn all_bound(pats: &Punctuated<Pat, Token![,]>, names: &mut Vec<String>) {
    pats.iter().for_each(|pat| bound(pat, names));
}

/// The one name of `x`, `mut x` or `x: T`.
pub(super) fn binding(pat: &Pat) -> Option<String> {
    match pat {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => {
            Some(pat.ident.to_string())
        }
        Pat::Type(pat) => binding(&pat.pat),
        _ => None,
    }
}

/// Whether [`binding`]'s name is bound as `mut`.
pub(super) fn is_mutable(pat: &Pat) -> bool {
    match pat {
        Pat::Ident(pat) => pat.mutability.is_some(),
        Pat::Type(pat) => is_mutable(&pat.pat),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root_of(text: &str) -> Option<String> {
        root(&syn::parse_str(text).unwrap())
    }

    #[test]
    fn roots_are_of_paths_and_fields_only() {
        assert_eq!(root_of("self.a.b").as_deref(), Some("self"));
        assert_eq!(root_of("(*x).0").as_deref(), Some("x"));
        assert_eq!(root_of("&x").as_deref(), Some("x"));
        for text in ["v[i]", "f()", "a.b()", "\"x\"", "-x"] {
            assert_eq!(root_of(text), None, "{text}");
        }
    }

    #[test]
    fn changes_reach_through_indices_and_calls() {
        for text in ["v[i].x", "v.entry(k).or_default()", "*v", "&mut v", "v.next()?"] {
            let root = changed_root(&syn::parse_str(text).unwrap());
            assert_eq!(root.as_deref(), Some("v"), "{text}");
        }
    }

    #[test]
    fn patterns_bind_all_their_names() {
        let local: syn::ExprLet =
            syn::parse_str("let S { a, b: (c, [d, ..]), e: f @ Some(&g) } | T(a, _) = x").unwrap();
        let mut names = Vec::new();
        bound(&local.pat, &mut names);
        assert_eq!(names, ["a", "c", "d", "f", "g", "a"]);
    }
}
