//! `scope!("label", { .. })`: each block is measured like a function of its own, named by its label.

use proc_macro2::LineColumn;
use syn::parse::ParseStream;
use syn::visit::{self, Visit};
use syn::{Block, ExprAsync, ExprAwait, ExprClosure, Item, LitStr, Macro, Token};

/// One such block.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scope {
    pub(super) label: String,
    /// Where the label begins.
    pub(super) at: LineColumn,
    /// Whether it can be suspended.
    pub(super) is_async: bool,
}

/// The blocks in a function's body, outer ones first. Those of functions inside are theirs.
pub(super) fn scopes_of(body: &Block) -> Vec<Scope> {
    let mut search = Search(Vec::new());
    search.visit_block(body);
    search.0
}

struct Search(Vec<Scope>);

impl<'ast> Visit<'ast> for Search {
    fn visit_macro(&mut self, mac: &'ast Macro) {
        let is_scope = mac.path.segments.last().is_some_and(|last| last.ident == "scope");
        if !is_scope {
            return;
        }
        let Ok((label, block)) = mac.parse_body_with(input) else { return };
        self.0.push(Scope {
            label: label.value(),
            at: label.span().start(),
            is_async: suspends(&block),
        });
        let mut inside = Search(Vec::new());
        inside.visit_block(&block);
        self.0.append(&mut inside.0);
    }

    fn visit_item(&mut self, _: &'ast Item) {}
}

fn input(input: ParseStream<'_>) -> syn::Result<(LitStr, Block)> {
    let label = input.parse()?;
    input.parse::<Token![,]>()?;
    let block = input.parse()?;
    input.parse::<Option<Token![,]>>()?;
    Ok((label, block))
}

/// Whether the code itself awaits, not only what it makes.
fn suspends(block: &Block) -> bool {
    struct Awaits(bool);

    impl<'ast> Visit<'ast> for Awaits {
        fn visit_expr_await(&mut self, it: &'ast ExprAwait) {
            self.0 = true;
            visit::visit_expr_await(self, it);
        }

        fn visit_expr_async(&mut self, _: &'ast ExprAsync) {}
        fn visit_expr_closure(&mut self, _: &'ast ExprClosure) {}
        fn visit_item(&mut self, _: &'ast Item) {}
    }

    let mut awaits = Awaits(false);
    awaits.visit_block(block);
    awaits.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, usize, bool)> {
        let scopes = scopes_of(&syn::parse_str(text).unwrap());
        scopes.into_iter().map(|it| (it.label, it.at.column, it.is_async)).collect()
    }

    #[test]
    fn blocks_are_found_wherever_they_stand() {
        let text = "{ let a = scope!(\"outer\", { rt::scope!(\"inner\", { 1 },) }); scope! { \"last\", { f() } } }";
        let names: Vec<_> = found(text).into_iter().map(|(name, ..)| name).collect();
        assert_eq!(names, ["outer", "inner", "last"]);
        assert_eq!(found("{ scope!(\"a\", { 1 }) }"), [("a".to_owned(), 9, false)]);
    }

    #[test]
    fn only_code_that_awaits_itself_is_suspended() {
        assert!(found("{ scope!(\"a\", { f().await }) }")[0].2);
        assert!(!found("{ scope!(\"a\", { async { f().await } }) }")[0].2);
    }

    #[test]
    fn what_is_of_another_form_or_function_is_none() {
        assert!(
            found("{ scope!(|s| s.spawn()); scope(); fn f() { scope!(\"a\", { 1 }) } }").is_empty()
        );
    }
}
