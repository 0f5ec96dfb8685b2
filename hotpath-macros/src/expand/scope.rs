//! `scope!("label", { .. })`: a piece of code measured like a function.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::visit_mut::{self, VisitMut};
use syn::{
    Block, Error, Expr, ExprAsync, ExprAwait, ExprClosure, Item, LitStr, Macro, Path, Result, Token,
};

use super::runtime::Runtime;
use super::table;
use crate::place::Position;

/// The runtime's path, the label and the code.
struct Input {
    runtime: Path,
    label: LitStr,
    block: Block,
}

impl Parse for Input {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let runtime = input.call(Path::parse_mod_style)?;
        input.parse::<Token![,]>()?;
        let label: LitStr = input.parse().map_err(|error| {
            Error::new(error.span(), "a scope starts with its label: `scope!(\"label\", { .. })`")
        })?;
        if label.value().trim().is_empty() || label.value().chars().any(char::is_control) {
            return Err(Error::new(
                label.span(),
                "the label is what reports show: it can't be empty or hold control characters",
            ));
        }
        input.parse::<Token![,]>()?;
        let block = input.parse().map_err(|error| {
            Error::new(error.span(), "a scope holds a block: `scope!(\"label\", { .. })`")
        })?;
        input.parse::<Option<Token![,]>>()?;
        if !input.is_empty() {
            return Err(input.error("a scope holds one block and nothing more"));
        }
        Ok(Self { runtime, label, block })
    }
}

/// The code with its span around it.
pub(crate) fn scope(input: TokenStream) -> TokenStream {
    match syn::parse2(input).and_then(measured) {
        Ok(tokens) => tokens,
        Err(error) => error.to_compile_error(),
    }
}

/// A guard, and the block as the arm of a `match` that drops the tail's temporaries before it.
fn measured(input: Input) -> Result<TokenStream> {
    let Input { runtime, label, mut block } = input;
    let span = Span::mixed_site().located_at(label.span());
    let runtime = Runtime::new(Some(&runtime), span, Position::of(Span::call_site()));
    let mut awaits = Awaits { runtime: &runtime, found: false, hidden: None };
    awaits.visit_block_mut(&mut block);
    let Awaits { found: suspends, hidden, .. } = awaits;
    if let Some(error) = hidden {
        return Err(error);
    }
    let at = (label.span(), Position::of(label.span()));
    let statics = table::of_block(&label.value(), at, suspends, &runtime);
    let table = Runtime::table(span);
    let open = runtime.name(if suspends { "scope" } else { "call" }, span);
    Ok(quote_spanned! {span=> {
        // The table is out of sight of the code, whose sites name that of the function around.
        let __hotpath_scope = #open({ #statics &#table });
        match () { () => #block }
    }})
}

/// Leads the awaits of the code itself through its scope.
struct Awaits<'r> {
    runtime: &'r Runtime,
    found: bool,
    /// What suspends unseen.
    hidden: Option<Error>,
}

impl VisitMut for Awaits<'_> {
    fn visit_expr_await_mut(&mut self, awaited: &mut ExprAwait) {
        visit_mut::visit_expr_await_mut(self, awaited);
        self.found = true;
        let span = self.runtime.span;
        let future = awaited.base.to_token_stream();
        let scope = quote_spanned!(span=> __hotpath_scope);
        *awaited.base = Expr::Verbatim(quote_spanned!(span=> #scope.through(#future)));
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        let name = mac.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        let suspends = matches!(name.as_str(), "select" | "join" | "try_join");
        if suspends || mentions_await(mac.tokens.clone()) {
            self.hidden.get_or_insert_with(|| {
                let message = format!(
                    "a scope can't see where `{name}!` suspends: give it an async block of its own, `async {{ {name}!(..) }}.await`"
                );
                Error::new_spanned(&mac.path, message)
            });
        }
    }

    // What these await is none of the code's own.
    fn visit_expr_closure_mut(&mut self, _: &mut ExprClosure) {}
    fn visit_expr_async_mut(&mut self, _: &mut ExprAsync) {}
    fn visit_item_mut(&mut self, _: &mut Item) {}
}

fn mentions_await(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "await",
        TokenTree::Group(group) => mentions_await(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}
