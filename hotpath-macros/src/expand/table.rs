//! The static that says what a function and its sites are.

use std::env;
use std::fmt::Write as _;

use hotpath_runtime_syntax::Site;
use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;

use super::Body;
use super::runtime::Runtime;
use crate::model::Function;
use crate::place::{self, Position};

/// `static __HOTPATH: Function = Function::expanded(..);`
pub(crate) fn table(function: &Function, body: &Body, runtime: &Runtime) -> TokenStream {
    let at = function.head.sig.ident.span();
    let at = (at, function.columns.position(at));
    let is_async = body.shape.is_async();
    // A block says it for those of its functions that it can be said of.
    let beside: Vec<_> = function
        .inherited
        .iter()
        .copied()
        .filter(|metric| metric.is_of_async() && !is_async)
        .collect();
    let budget = function.options.budget.clone().without(&beside).to_string();
    entry(&function.name, at, is_async, (&budget, &body.sites), runtime)
}

/// The table of a block in a function, which has no sites: those inside are its function's.
pub(crate) fn of_block(
    name: &str,
    at: (Span, Position),
    is_async: bool,
    runtime: &Runtime,
) -> TokenStream {
    entry(name, at, is_async, ("", ""), runtime)
}

/// Adds a site to the text of a function's: the compiler has one literal to look at, and the
/// runtime reads it once.
pub(crate) fn tell(sites: &mut String, site: &Site, at: Position) {
    let Position { line, column } = at;
    // Infallible: it is a string.
    let _ = write!(sites, "{} {line} {column} {} {}", site.kind, site.label.len(), site.label);
}

/// `line!()` is that of the outermost macro call, whatever its span: only the compiler knows it, as
/// it does the module. The rest is one text, see `Function` of the runtime.
///
/// The package's names are read here: when they change cargo builds another package or target.
fn entry(
    name: &str,
    (at, position): (Span, Position),
    is_async: bool,
    (budget, sites): (&str, &str),
    runtime: &Runtime,
) -> TokenStream {
    let span = runtime.span;
    let (table, ty) = (Runtime::table(span), runtime.name("Function", span));
    let [package, target] =
        ["CARGO_PKG_NAME", "CARGO_CRATE_NAME"].map(|name| env::var(name).unwrap_or_default());
    let file = place::file(at);
    let Position { line, column } = position;
    let attribute = runtime.attribute;
    let text = format!(
        "{line} {column} {} {} {} {} {} {} {} {} {package}{target}{name}{file}{budget}{sites}",
        attribute.line,
        attribute.column,
        u8::from(is_async),
        package.len(),
        target.len(),
        name.len(),
        file.len(),
        budget.len(),
    );
    quote_spanned! {span=>
        static #table: #ty = #ty::expanded(
            ::core::module_path!(),
            [::core::line!(), ::core::column!()],
            #text,
        );
    }
}
