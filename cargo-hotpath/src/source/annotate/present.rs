//! The attributes that functions, `impl` blocks and modules of a file carry already.

use std::ops::Range;

use hotpath_runtime_syntax::is_hotpath;
use proc_macro2::LineColumn;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItemFn, Item, ItemFn, TraitItemFn};

use super::super::model::items_of_macro;
use super::super::span::Lines;
use super::passes_items_on;

/// An attribute that stands in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// Where the name of the function that it stands on begins (columns from 0); `None` on an
    /// `impl` block or module.
    pub function: Option<LineColumn>,
    /// The bytes to take out, with the line where it stands alone.
    pub range: Range<usize>,
}

/// Every `#[hotpath]` of a file, from top to bottom; those inside `cfg_attr` are not among them.
///
/// # Errors
///
/// The parser's, with its place, when the text is no Rust.
pub fn annotations(text: &str) -> syn::Result<Vec<Present>> {
    let file = syn::parse_file(text)?;
    let mut search = Search { text, lines: Lines::new(text), found: Vec::new() };
    search.visit_file(&file);
    let mut found = search.found;
    found.sort_by_key(|it| it.range.start);
    found.dedup_by_key(|it| it.range.start);
    Ok(found)
}

struct Search<'t> {
    text: &'t str,
    lines: Lines<'t>,
    found: Vec<Present>,
}

impl Search<'_> {
    fn attributes(&mut self, attrs: &[Attribute], function: Option<LineColumn>) {
        for attribute in attrs.iter().filter(|attribute| is_hotpath(attribute)) {
            let span = attribute.span();
            let range = self.lines.byte(span.start())..self.lines.byte(span.end());
            self.found.push(Present { function, range: with_space(self.text, range) });
        }
    }
}

/// With the line where nothing else stands on it, else with the spaces behind it.
fn with_space(text: &str, range: Range<usize>) -> Range<usize> {
    let line = text[..range.start].rfind('\n').map_or(0, |newline| newline + 1);
    let rest = &text[range.end..];
    let spaces = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let after = &rest[spaces..];
    let newline = if after.starts_with("\r\n") { 2 } else { usize::from(after.starts_with('\n')) };
    if newline > 0 && text[line..range.start].trim().is_empty() {
        line..range.end + spaces + newline
    } else {
        range.start..range.end + spaces
    }
}

impl<'ast> Visit<'ast> for Search<'_> {
    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.attributes(&item.attrs, Some(item.sig.ident.span().start()));
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.attributes(&item.attrs, Some(item.sig.ident.span().start()));
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        self.attributes(&item.attrs, Some(item.sig.ident.span().start()));
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            Item::Impl(it) => self.attributes(&it.attrs, None),
            Item::Mod(it) => self.attributes(&it.attrs, None),
            Item::Macro(it) if it.ident.is_none() && passes_items_on(&it.mac) => {
                if let Ok(items) = it.mac.parse_body_with(items_of_macro) {
                    for item in &items {
                        self.visit_item(item);
                    }
                }
            }
            _ => {}
        }
        visit::visit_item(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(text: &str) -> String {
        let mut left = text.to_owned();
        for present in annotations(text).unwrap().iter().rev() {
            left.replace_range(present.range.clone(), "");
        }
        left
    }

    #[test]
    fn what_is_taken_out_leaves_no_trace() {
        assert_eq!(
            without("/// Doc.\n#[hotpath] // why\n#[inline]\nfn f() {}\n"),
            "/// Doc.\n// why\n#[inline]\nfn f() {}\n"
        );
        assert_eq!(
            without("impl X {\n    #[hotpath_runtime::hotpath(sites = all)]\r\n    fn f() {}\n}\n"),
            "impl X {\n    fn f() {}\n}\n"
        );
        assert_eq!(without("#[hotpath] pub fn f() {}"), "pub fn f() {}");
        assert_eq!(without("#[inline] #[hotpath]\nfn f() {}"), "#[inline] \nfn f() {}");
        assert_eq!(
            without("#[hotpath]\nmod m {\n    #[hotpath]\n    impl X {}\n}\n"),
            "mod m {\n    impl X {}\n}\n"
        );
    }

    #[test]
    fn a_function_is_known_by_its_name() {
        let found =
            annotations("#[hotpath]\nimpl X {\n    #[hotpath]\n    fn f() {}\n}\n").unwrap();
        assert_eq!(found[0].function, None);
        assert_eq!(found[1].function, Some(LineColumn { line: 4, column: 7 }));
    }

    #[test]
    fn conditions_are_left_alone() {
        let text = "#[cfg_attr(feature = \"x\", hotpath)]\nfn f() {}\n";
        assert_eq!(without(text), text);
    }
}
