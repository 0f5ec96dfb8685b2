//! Inserts the attribute before functions, in their own line: line numbers hold.

mod present;

use std::ops::Range;

use hotpath_runtime_syntax::{is_hotpath, refuse_function, type_name};
use proc_macro2::LineColumn;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{
    Attribute, Block, Expr, File, ImplItemFn, Item, ItemFn, ItemImpl, ItemMacro, ItemMod, Macro,
    Signature, TraitItemFn, Visibility,
};

pub use self::present::{Present, annotations};
use super::model::items_of_macro;
use super::span::Lines;
use super::{Insertion, annotation};

/// A function that can carry the attribute and doesn't.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bare {
    /// Modules, type and name as far as the file says them: `module::Type::method`.
    pub path: String,
    /// Where the identifier begins; columns from 0.
    pub name: LineColumn,
    /// Where the attribute goes.
    pub insertion: Insertion,
    /// Whether it is a test, or exists in test builds only.
    pub in_test: bool,
    /// Whether its body has no loop, call, macro or `.await`: nothing that could cost much.
    pub is_leaf: bool,
}

/// The functions of a file that can carry the attribute and don't, from top to bottom.
///
/// Left out are those that can't be measured, those that an annotated `impl` block or module
/// holds already or that one skips, and what the allocator itself or the compiler's own hooks
/// consist of. Of macros only those are looked into that pass their items on (`cfg_rt! { .. }`).
///
/// # Errors
///
/// The parser's, with its place, when the text is no Rust.
pub fn bare_functions(text: &str) -> syn::Result<Vec<Bare>> {
    Ok(bare_functions_of(&syn::parse_file(text)?, &Lines::new(text)))
}

/// As [`bare_functions`], of a file that is parsed already.
pub(super) fn bare_functions_of(file: &File, lines: &Lines<'_>) -> Vec<Bare> {
    let mut search = Search { lines, path: Vec::new(), in_test: false, found: Vec::new() };
    search.visit_file(file);
    let mut found = search.found;
    found.sort_by_key(|function| function.insertion.byte);
    found.dedup_by_key(|function| function.insertion.byte);
    found
}

/// The attribute to insert, with these options and the space behind it, where the runtime is the
/// crate `name`.
pub fn attribute(name: &str, options: &str, insertion: Insertion) -> String {
    let column = insertion.column;
    let options = if options.is_empty() { String::new() } else { format!("{options}, ") };
    if name == "hotpath_runtime" {
        return format!("#[::hotpath_runtime::hotpath({options}column = {column})] ");
    }
    format!("#[::{name}::hotpath(crate = ::{name}, {options}column = {column})] ")
}

/// The bytes that a piece of syntax takes in the text that it was parsed from.
pub fn bytes(text: &str, syntax: &impl Spanned) -> Range<usize> {
    let lines = Lines::new(text);
    let span = syntax.span();
    lines.byte(span.start())..lines.byte(span.end())
}

struct Search<'a> {
    lines: &'a Lines<'a>,
    path: Vec<String>,
    in_test: bool,
    found: Vec<Bare>,
}

impl Search<'_> {
    fn item(&mut self, item: &Item) {
        self.visit_item(item);
    }

    /// Visits what is inside an item of this name.
    fn inside(&mut self, name: String, attrs: &[Attribute], visit: impl FnOnce(&mut Self)) {
        let outer = self.in_test;
        self.in_test |= annotation::is_test(attrs);
        self.path.push(name);
        visit(self);
        self.path.pop();
        self.in_test = outer;
    }

    fn function(
        &mut self,
        attrs: &[Attribute],
        starts: impl IntoIterator<Item = Option<LineColumn>>,
        signature: &Signature,
        body: &Block,
    ) {
        if attrs.iter().any(is_hotpath_anywhere)
            || refuse_function(signature, attrs).is_some()
            || attrs.iter().any(is_hook)
        {
            return;
        }
        let starts = starts.into_iter().flatten().chain([signature.span().start()]);
        // What stands on a parameter may be for that attribute to take away.
        let is_async = signature.asyncness.is_some() && signature.inputs.is_empty();
        let entry = attrs.iter().find(|it| is_async && is_entry(it));
        let start = match entry {
            Some(entry) => entry.span().start(),
            None => match starts.min_by_key(|at| (at.line, at.column)) {
                Some(start) => start,
                None => return,
            },
        };
        let mut path = self.path.join("::");
        if !path.is_empty() {
            path.push_str("::");
        }
        path.push_str(&signature.ident.unraw().to_string());
        self.found.push(Bare {
            path,
            name: signature.ident.span().start(),
            insertion: Insertion { byte: self.lines.byte(start), column: start.column as u32 + 1 },
            in_test: self.in_test || annotation::is_test(attrs),
            is_leaf: is_leaf(body),
        });
    }
}

impl<'ast> Visit<'ast> for Search<'_> {
    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.function(&item.attrs, [start_of(&item.vis)], &item.sig, &item.block);
        let name = item.sig.ident.unraw().to_string();
        self.inside(name, &item.attrs, |this| this.visit_block(&item.block));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        let default = item.modifiers.defaultness.map(|token| token.span.start());
        self.function(&item.attrs, [start_of(&item.vis), default], &item.sig, &item.block);
        let name = item.sig.ident.unraw().to_string();
        self.inside(name, &item.attrs, |this| this.visit_block(&item.block));
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        let Some(body) = &item.default else { return };
        self.function(&item.attrs, [None], &item.sig, body);
        let name = item.sig.ident.unraw().to_string();
        self.inside(name, &item.attrs, |this| this.visit_block(body));
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        if item.attrs.iter().any(is_hotpath_anywhere) || is_allocator(item) {
            return;
        }
        let name = type_name(&item.self_ty);
        self.inside(name, &item.attrs, |this| visit::visit_item_impl(this, item));
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        let name = item.ident.unraw().to_string();
        self.inside(name, &item.attrs, |this| visit::visit_item_trait(this, item));
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if item.attrs.iter().any(is_hotpath_anywhere) {
            return;
        }
        let name = item.ident.unraw().to_string();
        self.inside(name, &item.attrs, |this| visit::visit_item_mod(this, item));
    }

    fn visit_item_macro(&mut self, item: &'ast ItemMacro) {
        if item.ident.is_some() || !passes_items_on(&item.mac) {
            return;
        }
        if let Ok(items) = item.mac.parse_body_with(items_of_macro) {
            for item in &items {
                self.item(item);
            }
        }
    }
}

/// Macros whose job it is to hand their items on under a condition: by convention `cfg_..!`.
fn passes_items_on(mac: &Macro) -> bool {
    let last = mac.path.segments.last();
    last.is_some_and(|segment| segment.ident.to_string().starts_with("cfg_"))
}

fn is_hotpath_anywhere(attribute: &Attribute) -> bool {
    is_hotpath(attribute)
        || attribute.path().is_ident("cfg_attr")
            && annotation::options(std::slice::from_ref(attribute)).is_some()
}

/// Whether the methods are the program's allocator, which probes themselves call.
fn is_allocator(item: &ItemImpl) -> bool {
    let last = item.trait_.as_ref().and_then(|(path, _)| path.segments.last());
    last.is_some_and(|segment| segment.ident == "GlobalAlloc")
}

/// Whether it makes an `async fn` one that waits in a runtime (`#[tokio::main]`, `#[actix_web::main]`,
/// `#[tokio::test]`). Below it, waiting would pass for the function's own time.
fn is_entry(attribute: &Attribute) -> bool {
    let last = attribute.path().segments.last();
    last.is_some_and(|last| last.ident == "main" || last.ident == "test")
}

/// What the compiler or the linker calls where nothing may be assumed of the process.
fn is_hook(attribute: &Attribute) -> bool {
    const HOOKS: [&str; 6] = [
        "panic_handler",
        "alloc_error_handler",
        "proc_macro",
        "proc_macro_attribute",
        "proc_macro_derive",
        "rustc_builtin_macro",
    ];
    HOOKS.iter().any(|hook| attribute.path().is_ident(hook))
}

fn start_of(visibility: &Visibility) -> Option<LineColumn> {
    match visibility {
        Visibility::Inherited => None,
        other => Some(other.span().start()),
    }
}

/// Whether there is nothing in the body that could cost more than a few instructions.
fn is_leaf(body: &Block) -> bool {
    struct Costly(bool);

    impl<'ast> Visit<'ast> for Costly {
        fn visit_expr(&mut self, expr: &'ast Expr) {
            self.0 |= matches!(
                expr,
                Expr::Call(_)
                    | Expr::MethodCall(_)
                    | Expr::Macro(_)
                    | Expr::Await(_)
                    | Expr::ForLoop(_)
                    | Expr::While(_)
                    | Expr::Loop(_)
                    | Expr::Async(_)
            );
            if !self.0 {
                visit::visit_expr(self, expr);
            }
        }

        fn visit_macro(&mut self, _: &'ast Macro) {
            self.0 = true;
        }

        // Measured on its own.
        fn visit_item(&mut self, _: &'ast Item) {}
    }

    let mut costly = Costly(false);
    costly.visit_block(body);
    !costly.0
}

#[cfg(test)]
mod tests;
