//! The async blocks of a body: each is measured as a function of its own, by its polls.

use proc_macro2::Span;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Block, Expr, ExprAsync, ExprConst, Item, parse_quote};

/// Marks the block as one whose polls are those of the function itself.
pub fn mark_own(expr: &mut Expr) {
    match expr {
        Expr::Paren(inner) => mark_own(&mut inner.expr),
        Expr::Group(inner) => mark_own(&mut inner.expr),
        Expr::Async(block) => block.attrs.push(parse_quote!(#[__hotpath_own])),
        _ => {}
    }
}

/// Calls `sink` with each async block and its number, outer blocks before those inside.
///
/// Left out are those that are [marked](mark_own), whose mark goes, and those directly under `&`,
/// whose life a wrapper would end.
pub fn async_blocks(body: &mut Block, sink: &mut dyn FnMut(&mut Expr, u32)) {
    Blocks { sink, next: 0, is_borrowed: false }.visit_block_mut(body);
}

/// The position and name of the block with this number in a function.
pub fn block_name(function: &str, number: u32) -> String {
    format!("{function}::{{async#{number}}}")
}

/// Where an async block is said to lie.
pub fn block_position(block: &ExprAsync) -> Span {
    block.async_token.span
}

struct Blocks<'s> {
    sink: &'s mut dyn FnMut(&mut Expr, u32),
    next: u32,
    is_borrowed: bool,
}

impl VisitMut for Blocks<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        let is_borrowed = std::mem::take(&mut self.is_borrowed);
        match expr {
            Expr::Async(block) => {
                let attributes = block.attrs.len();
                block
                    .attrs
                    .retain(|attribute: &Attribute| !attribute.path().is_ident("__hotpath_own"));
                let is_own = attributes != block.attrs.len();
                let number = self.next;
                let is_measured = !is_own && !is_borrowed;
                self.next += u32::from(is_measured);
                visit_mut::visit_expr_async_mut(self, block);
                if is_measured {
                    (self.sink)(expr, number);
                }
            }
            Expr::Reference(reference) => {
                self.is_borrowed = true;
                self.visit_expr_mut(&mut reference.expr);
            }
            Expr::Paren(inner) => {
                self.is_borrowed = is_borrowed;
                self.visit_expr_mut(&mut inner.expr);
            }
            _ => visit_mut::visit_expr_mut(self, expr),
        }
    }

    fn visit_expr_const_mut(&mut self, _: &mut ExprConst) {}
    fn visit_item_mut(&mut self, _: &mut Item) {}
}
