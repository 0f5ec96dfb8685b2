//! Which functions may carry probes, and what to say when one may not.

use proc_macro2::Span;
use syn::spanned::Spanned as _;
use syn::{Attribute, Error, Item, Signature};

use crate::options::is_hotpath;

/// Why an item can't be measured, and where to point.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// What is wrong and what to do instead.
    pub message: String,
    /// The token that decides it.
    pub span: Span,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Error::new(refusal.span, refusal.message)
    }
}

/// Why this function can't be measured; `None` if it can.
///
/// A function that carries the attribute itself gets the refusal as an error;
/// one inside an annotated block or module is left alone.
pub fn refuse_function(signature: &Signature, attrs: &[Attribute]) -> Option<Refusal> {
    if let Some(constness) = &signature.constness {
        return Some(Refusal {
            message: format!(
                "`{}` is a `const fn`, which can't record anything: measure its callers, or remove `const`",
                signature.ident
            ),
            span: constness.span,
        });
    }
    if let Some(variadic) = &signature.variadic {
        return Some(Refusal {
            message: format!(
                "`{}` takes C variadic arguments, which can't be moved into a probe: measure its callers",
                signature.ident
            ),
            span: variadic.span(),
        });
    }
    let naked = attrs.iter().find(|it| names(it, "naked"))?;
    Some(Refusal {
        message: format!(
            "`{}` is a naked function, whose body is assembly only: measure its callers",
            signature.ident
        ),
        span: naked.span(),
    })
}

/// Why `#[hotpath]` can't stand on this item; `None` for functions, `impl` blocks and inline modules.
pub fn refuse_item(item: &Item) -> Option<Refusal> {
    let (what, span, instead) = match item {
        Item::Fn(function) => return refuse_function(&function.sig, &function.attrs),
        Item::Impl(_) => return None,
        Item::Mod(module) if module.content.is_some() => return None,
        Item::Mod(module) => (
            "a module in another file",
            module.mod_token.span,
            "annotate the functions and `impl` blocks in that file",
        ),
        Item::ForeignMod(block) => (
            "an `extern` block",
            block.abi.extern_token.span,
            "its functions have no body here: annotate the functions that call them",
        ),
        Item::Trait(it) => (
            "a trait",
            it.trait_token.span,
            "annotate its default methods one by one, and the `impl` blocks",
        ),
        Item::Struct(it) => ("a struct", it.struct_token.span, METHODS),
        Item::Enum(it) => ("an enum", it.enum_token.span, METHODS),
        Item::Union(it) => ("a union", it.union_token.span, METHODS),
        Item::Const(it) => ("a constant", it.const_token.span, EVALUATED),
        Item::Static(it) => ("a static", it.static_token.span, EVALUATED),
        Item::Macro(it) => {
            ("a macro", it.mac.path.span(), "annotate the functions inside what it expands to")
        }
        other => {
            ("this item", other.span(), "annotate a function, an `impl` block or an inline module")
        }
    };
    Some(Refusal { message: format!("#[hotpath] can't measure {what}: {instead}"), span })
}

/// Whether one of these attributes may be a macro, which can refer to parameters by name.
///
/// Those that the compiler and its tools know are not; nor is our own.
pub fn has_foreign_macro(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attribute| {
        let first = &attribute.path().segments[0].ident;
        !is_hotpath(attribute) && !INERT.iter().any(|name| first == name)
    })
}

/// Attributes that expand to nothing, by their first path segment.
const INERT: &[&str] = &[
    "allow",
    "automatically_derived",
    "cfg",
    "clippy",
    "cold",
    "coverage",
    "deny",
    "deprecated",
    "diagnostic",
    "doc",
    "expect",
    "export_name",
    "forbid",
    "ignore",
    "inline",
    "link_section",
    "must_use",
    "no_mangle",
    "rustfmt",
    "should_panic",
    "target_feature",
    "test",
    "track_caller",
    "unsafe",
    "warn",
];

const METHODS: &str = "annotate its `impl` blocks or single methods";
const EVALUATED: &str = "annotate the functions that use it";

/// Whether the attribute is `name` or `unsafe(name)`.
fn names(attribute: &Attribute, name: &str) -> bool {
    attribute.path().is_ident(name)
        || attribute.path().is_ident("unsafe")
            && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(item: &str) -> Option<String> {
        refuse_item(&syn::parse_str(item).unwrap()).map(|refusal| refusal.message)
    }

    #[test]
    fn functions_blocks_and_modules_are_fine() {
        for item in [
            "fn f() {}",
            "async fn f() {}",
            "unsafe extern \"C\" fn f() {}",
            "impl S {}",
            "mod m {}",
        ] {
            assert_eq!(message(item), None, "{item}");
        }
    }

    #[test]
    fn refusals_name_the_item() {
        for (item, part) in [
            ("const fn f() {}", "`f` is a `const fn`"),
            ("struct S;", "a struct"),
            ("enum E {}", "an enum"),
            ("union U { a: u8 }", "a union"),
            ("extern \"C\" { fn f(); }", "an `extern` block"),
            ("trait T { fn f(&self); }", "a trait"),
            ("mod m;", "another file"),
            ("static S: u8 = 1;", "a static"),
            ("use a::b;", "this item"),
            ("#[unsafe(naked)] extern \"C\" fn f() {}", "naked"),
        ] {
            let message = message(item).expect(item);
            assert!(message.contains(part), "{message}");
        }
    }
}
