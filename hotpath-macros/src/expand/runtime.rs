//! Names in the runtime, with the spans of what they stand for.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote_spanned};
use syn::punctuated::Punctuated;
use syn::token::Paren;
use syn::{Expr, ExprCall, Path};

/// Where the runtime is found, and the hygiene of everything that is generated.
pub(crate) struct Runtime {
    root: TokenStream,
    renamed: bool,
    /// Located at the function's name.
    pub(crate) span: Span,
}

impl Runtime {
    pub(crate) fn new(path: Option<&Path>, span: Span) -> Self {
        match path {
            Some(path) => Self { root: path.to_token_stream(), renamed: true, span },
            None => Self { root: TokenStream::new(), renamed: false, span },
        }
    }

    /// `::hotpath_runtime::__private::NAME`
    pub(crate) fn name(&self, name: &str, span: Span) -> TokenStream {
        let name = Ident::new(name, span);
        if self.renamed {
            let root = &self.root;
            quote_spanned!(span=> #root::__private::#name)
        } else {
            quote_spanned!(span=> ::hotpath_runtime::__private::#name)
        }
    }

    /// `::hotpath_runtime::__private::NAME(ARGUMENTS)`
    pub(crate) fn call(
        &self,
        name: &str,
        span: Span,
        arguments: Punctuated<Expr, syn::Token![,]>,
    ) -> Expr {
        Expr::Call(ExprCall {
            attrs: Vec::new(),
            func: Box::new(Expr::Verbatim(self.name(name, span))),
            paren_token: Paren(span),
            args: arguments,
        })
    }

    /// The function's table: `__HOTPATH`.
    pub(crate) fn table(span: Span) -> Ident {
        Ident::new("__HOTPATH", span)
    }

    /// `&__HOTPATH`
    pub(crate) fn borrowed_table(span: Span) -> Expr {
        let name = Self::table(span);
        Expr::Verbatim(quote_spanned!(span=> &#name))
    }
}
