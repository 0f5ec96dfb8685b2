//! What an annotated item holds: its functions, with the options that apply to each.

use hotpath_runtime_syntax::budget::Metric;
use hotpath_runtime_syntax::eligible::has_foreign_macro;
use hotpath_runtime_syntax::{
    Budget, Options, is_hotpath, method_name, refuse_function, refuse_item, type_name,
};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::{Attribute, Error, Item, ItemImpl, Result, Signature, Token, Visibility};

use crate::columns::Columns;
use crate::marker::{self, Found};
use crate::split::{Keyword, Piece, split};

/// An item, in the order and with the tokens of the source where it isn't measured.
pub(crate) enum Node {
    Function(Box<Function>),
    Container(Container),
    Verbatim(TokenStream),
    /// A member of a container that can't be measured as its own attribute demands.
    Refused(TokenStream, Error),
}

/// A function to measure.
pub(crate) struct Function {
    pub(crate) head: Head,
    pub(crate) body: Group,
    /// Name in reports.
    pub(crate) name: String,
    pub(crate) options: Options,
    /// Metrics that only a block or module around it limits.
    pub(crate) inherited: Vec<Metric>,
    pub(crate) columns: Columns,
    /// Another attribute may refer to the parameters by name.
    pub(crate) names_matter: bool,
}

/// Everything before a function's body.
pub(crate) struct Head {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) defaultness: Option<Token![default]>,
    pub(crate) sig: Signature,
}

/// An `impl` block or inline module.
pub(crate) struct Container {
    /// Without our attribute.
    pub(crate) head: TokenStream,
    pub(crate) body: Group,
    pub(crate) members: Vec<Node>,
}

/// What holds for the functions of a container.
#[derive(Clone, Default)]
struct Context {
    options: Options,
    type_name: Option<String>,
    names_matter: bool,
}

impl Parse for Head {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let is_default = input.peek(Token![default]);
        let defaultness = if is_default { Some(input.parse()?) } else { None };
        Ok(Self { attrs, vis, defaultness, sig: input.parse()? })
    }
}

/// Reads the item that carries the attribute.
///
/// # Errors
///
/// The item can't be measured, or an attribute inside it is wrong.
pub(crate) fn read(options: Options, item: TokenStream) -> Result<Node> {
    let mut pieces = split(item.clone()).into_iter();
    let (Some(piece), None) = (pieces.next(), pieces.next()) else {
        return Err(refusal(item));
    };
    match (piece.keyword, &piece.body) {
        (Keyword::Fn, None) => Ok(Node::Verbatim(item)),
        (Keyword::Fn, Some(_)) => {
            let context = Context { options, ..Context::default() };
            function(piece, &context, true)
        }
        (Keyword::Impl | Keyword::Mod, Some(_)) => {
            container(piece, &Context { options: options.on_many()?, ..Context::default() })
        }
        _ => Err(refusal(item)),
    }
}

/// Why the item can't carry the attribute.
fn refusal(item: TokenStream) -> Error {
    match syn::parse2::<Item>(item.clone()).map(|item| refuse_item(&item)) {
        Ok(Some(refusal)) => refusal.into(),
        Ok(None) | Err(_) => Error::new_spanned(
            item,
            "#[hotpath] measures functions, `impl` blocks and inline modules: annotate one of these",
        ),
    }
}

/// A function that carries the attribute itself (`direct`) or stands in an annotated container.
fn function(piece: Piece, context: &Context, direct: bool) -> Result<Node> {
    let verbatim = |head: TokenStream, body: &Group| {
        let mut tokens = without_hotpath(head);
        tokens.extend([TokenTree::Group(body.clone())]);
        Ok(Node::Verbatim(tokens))
    };
    let Piece { head: tokens, body: Some(body), .. } = piece else {
        return Ok(Node::Verbatim(piece.head));
    };
    let (first, body) = match marker::find(&body) {
        Found::Nothing => (None, body),
        Found::Original(options, original) => (Some(*options), original),
        Found::Expanded => return verbatim(tokens, &body),
    };
    let mut head = match syn::parse2::<Head>(tokens.clone()) {
        Ok(head) => head,
        Err(error) if direct => return Err(error),
        // Newer syntax than syn knows, in a container that may hold more.
        Err(_) => return verbatim(tokens, &body),
    };
    let own = Options::take(&mut head.attrs)?;
    let inherited = if direct { Budget::default() } else { context.options.budget.clone() };
    let direct = direct || own.is_some();
    let said = [own.as_ref(), first.as_ref()].into_iter().flatten();
    let said = said.fold(Budget::default(), |all, it| all.refine(&it.budget));
    let options = match first {
        // Whichever came first: the attribute on the function itself says more than one around it.
        Some(first) if direct => first.refine(context.options.clone()),
        Some(first) => context.options.clone().refine(first),
        None => context.options.clone(),
    };
    let options = options.refine(own.unwrap_or_default());
    if options.skip {
        return verbatim(tokens, &body);
    }
    match refuse_function(&head.sig, &head.attrs) {
        // A `const fn` is left alone, which the command line says.
        Some(refusal) if direct && head.sig.constness.is_none() => return Err(refusal.into()),
        Some(_) => return verbatim(tokens, &body),
        None => {}
    }
    let name = match (&options.name, &context.type_name) {
        (Some(name), _) => name.clone(),
        (None, Some(type_name)) => method_name(type_name, &head.sig.ident),
        (None, None) => head.sig.ident.to_string(),
    };
    let names_matter = context.names_matter || has_foreign_macro(&head.attrs);
    let columns = Columns::of(&options, &body);
    let inherited = inherited.limits().map(|(metric, _)| metric);
    let inherited = inherited.filter(|metric| said.get(*metric).is_none()).collect();
    Ok(Node::Function(Box::new(Function {
        head,
        body,
        name,
        options,
        inherited,
        columns,
        names_matter,
    })))
}

fn container(piece: Piece, outer: &Context) -> Result<Node> {
    let Piece { keyword, head, body: Some(body) } = piece else {
        return Ok(Node::Verbatim(piece.head));
    };
    let (mut attrs, rest) = attributes.parse2(head.clone())?;
    let own = Options::take(&mut attrs)?.unwrap_or_default();
    if own.skip {
        let mut tokens = without_hotpath(head);
        tokens.extend([TokenTree::Group(body)]);
        return Ok(Node::Verbatim(tokens));
    }
    let mut context = Context {
        options: outer.options.clone().refine(own.on_many()?),
        type_name: None,
        names_matter: outer.names_matter || has_foreign_macro(&attrs),
    };
    if keyword == Keyword::Impl {
        context.type_name = Some(self_type(rest)?);
    }
    let members = split(body.stream()).into_iter().map(|piece| member(piece, &context)).collect();
    Ok(Node::Container(Container { head: without_hotpath(head), body, members }))
}

/// A mistake in one member costs neither the others nor their probes.
fn member(piece: Piece, context: &Context) -> Node {
    let plain = piece.clone();
    let read = match piece.keyword {
        Keyword::Fn => function(piece, context, false),
        Keyword::Impl | Keyword::Mod => container(piece, context),
        Keyword::Other => Ok(Node::Verbatim(piece.into_tokens())),
    };
    read.unwrap_or_else(|error| {
        let Piece { head, body, .. } = plain;
        let mut tokens = without_hotpath(head);
        tokens.extend(body.map(TokenTree::Group));
        Node::Refused(tokens, error)
    })
}

/// The name of an `impl` block's type, from its head alone.
fn self_type(mut head: TokenStream) -> Result<String> {
    head.extend([TokenTree::Group(Group::new(Delimiter::Brace, TokenStream::new()))]);
    Ok(type_name(&syn::parse2::<ItemImpl>(head)?.self_ty))
}

fn attributes(input: ParseStream<'_>) -> Result<(Vec<Attribute>, TokenStream)> {
    Ok((input.call(Attribute::parse_outer)?, input.parse()?))
}

/// The head without our attributes, everything else token for token.
fn without_hotpath(head: TokenStream) -> TokenStream {
    let Ok((attrs, rest)) = attributes.parse2(head.clone()) else { return head };
    if !attrs.iter().any(is_hotpath) {
        return head;
    }
    let mut tokens = TokenStream::new();
    for attribute in attrs.iter().filter(|it| !is_hotpath(it)) {
        quote::ToTokens::to_tokens(attribute, &mut tokens);
    }
    tokens.extend(rest);
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(options: &str, item: &str) -> Vec<String> {
        let options = Options::parse(options.parse().unwrap()).unwrap();
        let mut found = Vec::new();
        let Ok(node) = read(options, item.parse().unwrap()) else { panic!("is measured: {item}") };
        collect(&node, &mut found);
        found
    }

    fn collect(node: &Node, found: &mut Vec<String>) {
        match node {
            Node::Function(function) => found.push(function.name.clone()),
            Node::Container(container) => {
                container.members.iter().for_each(|it| collect(it, found));
            }
            Node::Verbatim(_) | Node::Refused(..) => {}
        }
    }

    fn error(item: &str) -> String {
        match read(Options::default(), item.parse().unwrap()) {
            Err(error) => error.to_string(),
            Ok(Node::Container(container)) => match container.members.into_iter().next() {
                Some(Node::Refused(_, error)) => error.to_string(),
                _ => panic!("the member is fine"),
            },
            Ok(_) => panic!("the item is fine"),
        }
    }

    #[test]
    fn names_say_the_type() {
        assert_eq!(names("", "fn f() {}"), ["f"]);
        assert_eq!(names("name = \"x\"", "fn f() {}"), ["x"]);
        assert_eq!(
            names(
                "",
                "impl<T> a::Store<T> { const fn c() {} fn f() {} #[hotpath(name = \"g2\")] fn g() {} #[hotpath(skip)] fn h() {} fn i(); }"
            ),
            ["Store::f", "g2"]
        );
        assert_eq!(
            names(
                "",
                "mod m { use a; fn f() {} #[hotpath(skip)] mod n { fn g() {} } impl Tr for &[S] { fn h() {} } trait T { fn d() {} } }"
            ),
            ["f", "&[S]::h"]
        );
    }

    #[test]
    fn refuses_what_cannot_be_measured() {
        assert!(error("struct S;").contains("a struct"));
        assert!(error("#[unsafe(naked)] extern \"C\" fn f() {}").contains("naked"));
        assert!(error("impl S { #[hotpath] #[naked] fn f() {} }").contains("naked"));
        assert!(error("impl S { #[hotpath(nam = \"x\")] fn f() {} }").contains("did you mean"));
        assert!(error("trait T { }").contains("a trait"));
        assert!(error("mod m;").contains("another file"));
        let named = Options::parse("name = \"x\"".parse().unwrap()).unwrap();
        assert!(read(named, "impl S { }".parse().unwrap()).is_err());
    }

    #[test]
    fn a_const_function_is_left_alone() {
        assert!(names("", "const fn f() {}").is_empty());
        assert_eq!(names("", "impl S { #[hotpath] const fn f() {} fn g() {} }"), ["S::g"]);
    }

    #[test]
    fn what_is_expanded_already_is_left_alone() {
        assert!(names("", "fn f() { static __HOTPATH: u8 = 1; }").is_empty());
    }

    #[test]
    fn other_attributes_may_name_parameters() {
        for (item, matter) in [("#[inline] fn f() {}", false), ("#[traced(x)] fn f() {}", true)] {
            let Ok(Node::Function(function)) = read(Options::default(), item.parse().unwrap())
            else {
                panic!("a function");
            };
            assert_eq!(function.names_matter, matter);
        }
    }
}
