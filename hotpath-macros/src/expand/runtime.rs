//! Names in the runtime, with the spans of what they stand for.

use hotpath_runtime_syntax::wrap::ALIAS;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote_spanned};
use syn::punctuated::Punctuated;
use syn::token::Paren;
use syn::{Expr, ExprCall, ExprPath, ExprReference, Path, PathSegment, Token};

use crate::place::Position;

/// Where the runtime is found, and the hygiene of everything that is generated.
pub(crate) struct Runtime {
    /// Where the user says that it is; else it goes by its alias.
    root: Option<TokenStream>,
    /// Located at the function's name.
    pub(crate) span: Span,
    /// That of the attribute or macro.
    pub(crate) attribute: Position,
}

impl Runtime {
    pub(crate) fn new(path: Option<&Path>, span: Span, attribute: Position) -> Self {
        Self { root: path.map(Path::to_token_stream), span, attribute }
    }

    /// `use ::hotpath_runtime::__private as __hotpath;`, for what follows: short paths are less work for
    /// the compiler. A path that the user gave may mean something else in a `use`.
    pub(crate) fn alias(&self) -> TokenStream {
        if self.root.is_some() {
            return TokenStream::new();
        }
        let alias = Ident::new(ALIAS, self.span);
        quote_spanned!(self.span=> use ::hotpath_runtime::__private as #alias;)
    }

    /// `__hotpath::NAME`
    pub(crate) fn name(&self, name: &str, span: Span) -> TokenStream {
        let name = Ident::new(name, span);
        if let Some(root) = &self.root {
            quote_spanned!(span=> #root::__private::#name)
        } else {
            let alias = Ident::new(ALIAS, span);
            quote_spanned!(span=> #alias::#name)
        }
    }

    /// `__hotpath::NAME(ARGUMENTS)`
    pub(crate) fn call(
        &self,
        name: &str,
        span: Span,
        arguments: Punctuated<Expr, Token![,]>,
    ) -> Expr {
        let func = match &self.root {
            Some(_) => Expr::Verbatim(self.name(name, span)),
            None => path([ALIAS, name], span),
        };
        Expr::Call(ExprCall {
            attrs: Vec::new(),
            func: Box::new(func),
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
        Expr::Reference(ExprReference {
            attrs: Vec::new(),
            and_token: Token![&](span),
            mutability: None,
            expr: Box::new(path(["__HOTPATH"], span)),
        })
    }
}

/// A path of these names. As a tree, not as tokens: those are handed to the compiler and back
/// whenever they are put together.
fn path<const N: usize>(names: [&str; N], span: Span) -> Expr {
    let mut segments = Punctuated::new();
    for name in names {
        if !segments.is_empty() {
            segments.push_punct(Token![::](span));
        }
        segments.push_value(PathSegment::from(Ident::new(name, span)));
    }
    Expr::Path(ExprPath {
        attrs: Vec::new(),
        qself: None,
        path: Path { leading_colon: None, segments },
    })
}
