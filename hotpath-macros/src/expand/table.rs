//! The static that says what a function and its sites are.

use hotpath_runtime_syntax::Site;
use proc_macro2::TokenStream;
use quote::quote_spanned;

use super::runtime::Runtime;
use crate::model::Function;
use crate::place::Place;

/// `static __HOTPATH: Function = Function::new(..);`
///
/// The package's names are `option_env!`, so that cargo rebuilds when they change.
pub(crate) fn table(function: &Function, sites: &[Site], runtime: &Runtime) -> TokenStream {
    let span = runtime.span;
    let (table, ty, site_ty) =
        (Runtime::table(span), runtime.name("Function", span), runtime.name("Site", span));
    let Place { file, line, column } = Place::of(function.head.sig.ident.span());
    let name = &function.name;
    let is_async = function.head.sig.asyncness.is_some();
    let rows = sites.iter().map(|site| {
        let Place { line, column, .. } = Place::of(site.position);
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
        );
    }
}
