//! The static that says what a function and its sites are.

use hotpath_runtime_syntax::Site;
use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;

use super::Body;
use super::runtime::Runtime;
use crate::model::Function;
use crate::place::Place;

/// `static __HOTPATH: Function = Function::new(..);`
pub(crate) fn table(function: &Function, body: &Body, runtime: &Runtime) -> TokenStream {
    let at = function.head.sig.ident.span();
    let place = |span| function.columns.place(span);
    entry(&function.name, place(at), body.shape.is_async(), (&body.sites, &place), runtime)
}

/// The table of a block in a function, which has no sites: those inside are its function's.
pub(crate) fn of_block(name: &str, at: Place, is_async: bool, runtime: &Runtime) -> TokenStream {
    entry(name, at, is_async, (&[], &Place::of), runtime)
}

/// The package's names are `option_env!`, so that cargo rebuilds when they change. `line!()` is
/// that of the outermost macro call, whatever its span.
fn entry(
    name: &str,
    at: Place,
    is_async: bool,
    (sites, place): (&[Site], &dyn Fn(Span) -> Place),
    runtime: &Runtime,
) -> TokenStream {
    let span = runtime.span;
    let (table, ty, site_ty) =
        (Runtime::table(span), runtime.name("Function", span), runtime.name("Site", span));
    let Place { file, line, column } = at;
    let attribute = Place::of(Span::call_site());
    let (attribute_line, attribute_column) = (attribute.line, attribute.column);
    let rows = sites.iter().map(|site| {
        let Place { line, column, .. } = place(site.position);
        let (kind, label) = (site.kind.name(), &site.label);
        quote_spanned!(span=> #site_ty::new(#kind, #line, #column, #label))
    });
    quote_spanned! {span=>
        static #table: #ty = #ty::new(
            ::core::option_env!("CARGO_PKG_NAME"),
            ::core::option_env!("CARGO_CRATE_NAME"),
            ::core::module_path!(),
            #name, #file, #line, #column, #is_async,
            &[#(#rows),*],
        )
        .expanded([::core::line!(), ::core::column!()], [#attribute_line, #attribute_column]);
    }
}
