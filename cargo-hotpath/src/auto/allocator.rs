//! The program's own global allocator, wrapped so that what goes through it is counted.

use syn::visit::{self, Visit};
use syn::{Attribute, ItemStatic, Type};

use crate::overlay::Edit;
use crate::source::annotate;

/// What wrapping the allocators of a file takes.
#[derive(Debug, Default)]
pub(super) struct Wrapping {
    pub(super) edits: Vec<Edit>,
    /// Whether one is there in every build.
    pub(super) is_certain: bool,
}

/// Looks for `#[global_allocator] static A: T = E;` in a file whose runtime is the crate `name`.
pub(super) fn wrap(text: &str, name: &str) -> Wrapping {
    let mut wrapping = Wrapping::default();
    if !text.contains("global_allocator") {
        return wrapping;
    }
    let Ok(file) = syn::parse_file(text) else { return wrapping };
    let mut search = Search(Vec::new());
    search.visit_file(&file);
    for item in search.0 {
        if text.contains(name) && is_ours(&item.ty) {
            continue;
        }
        let (ty, expr) = (annotate::bytes(text, &*item.ty), annotate::bytes(text, &*item.expr));
        let mut insert = |byte: usize, text: String| {
            wrapping.edits.push(Edit { range: byte..byte, text });
        };
        insert(ty.start, format!("::{name}::Allocator<"));
        insert(ty.end, ">".to_owned());
        insert(expr.start, format!("::{name}::Allocator::new("));
        insert(expr.end, ")".to_owned());
        wrapping.is_certain |= !item.attrs.iter().any(is_conditional);
    }
    wrapping
}

struct Search<'ast>(Vec<&'ast ItemStatic>);

impl<'ast> Visit<'ast> for Search<'ast> {
    fn visit_item_static(&mut self, item: &'ast ItemStatic) {
        if item.attrs.iter().any(is_global_allocator) {
            self.0.push(item);
        }
        visit::visit_item_static(self, item);
    }
}

fn is_global_allocator(attribute: &Attribute) -> bool {
    attribute.path().is_ident("global_allocator")
        || attribute.path().is_ident("cfg_attr")
            && matches!(&attribute.meta, syn::Meta::List(list)
                if list.tokens.to_string().contains("global_allocator"))
}

fn is_conditional(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr")
}

fn is_ours(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path.segments.last().is_some_and(|last| last.ident == "Allocator")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(text: &str) -> String {
        let mut edited = text.to_owned();
        for edit in wrap(text, "rt").edits.iter().rev() {
            edited.replace_range(edit.range.clone(), &edit.text);
        }
        edited
    }

    #[test]
    fn type_and_value_are_wrapped_in_their_lines() {
        assert_eq!(
            wrapped(
                "#[global_allocator]\nstatic A: mi::Malloc<'static> =\n    mi::Malloc { x: 1 };\n"
            ),
            "#[global_allocator]\nstatic A: ::rt::Allocator<mi::Malloc<'static>> =\n    ::rt::Allocator::new(mi::Malloc { x: 1 });\n"
        );
        assert_eq!(
            wrapped("mod m { #[cfg_attr(x, global_allocator)] pub static A: S = S; }"),
            "mod m { #[cfg_attr(x, global_allocator)] pub static A: ::rt::Allocator<S> = ::rt::Allocator::new(S); }"
        );
    }

    #[test]
    fn other_statics_and_ours_are_left_alone() {
        for text in [
            "static A: S = S;",
            "#[global_allocator] static A: rt::Allocator<S> = rt::Allocator::new(S);",
            "// global_allocator\nfn (",
        ] {
            assert_eq!(wrapped(text), text);
        }
    }

    #[test]
    fn a_condition_makes_it_uncertain() {
        assert!(wrap("#[global_allocator] static A: S = S;", "rt").is_certain);
        assert!(!wrap("#[cfg(x)] #[global_allocator] static A: S = S;", "rt").is_certain);
        assert!(!wrap("", "rt").is_certain);
    }
}
