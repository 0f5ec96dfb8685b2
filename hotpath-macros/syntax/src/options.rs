//! The grammar of `#[hotpath(...)]`.

mod budget;

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::token::Paren;
use syn::{Attribute, Error, Ident, LitInt, LitStr, Meta, Path, Result, Token};

use crate::budget::Budget;
use crate::nearest::nearest;

/// Every option for users, in the order of the documentation.
const NAMES: &[&str] = &["skip", "name", "sites", "allow", "budget", "crate"];

/// Which expressions of a function get a probe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SiteSelection {
    /// None: only the function itself is measured.
    Off,
    /// Those that the rules can use.
    #[default]
    Calls,
    /// Every call as well.
    All,
}

/// What an attribute says; an option that it leaves out is `None`, `false` or empty.
#[derive(Clone, Default)]
pub struct Options {
    /// `skip`: leave this function, block or module alone.
    pub skip: bool,
    /// `name = "..."`: the name in reports, instead of that in the source.
    pub name: Option<String>,
    /// `sites = off | calls | all`.
    pub sites: Option<SiteSelection>,
    /// `allow(rule, ...)`: rules that say nothing here.
    pub allow: Vec<String>,
    /// `budget(metric = limit, ...)`: what a call may cost, for `cargo hotpath check`.
    pub budget: Budget,
    /// `crate = path`: where the runtime is found when it was renamed.
    pub runtime: Option<Path>,
    /// `column = N`, which only a tool that inserts attributes writes.
    pub column: Option<Column>,
    name_span: Option<Span>,
}

/// Where the token after an inserted attribute stands in the file without it.
///
/// The option is the attribute's last, and one space follows the attribute: `.. column = 7)] fn`.
#[derive(Clone)]
pub struct Column {
    /// That column, 1-based, in characters.
    pub number: u32,
    literal: LitInt,
}

impl Column {
    /// What closes the attribute, up to the next token.
    const END: &str = ")] ";

    /// Where the number is written in the file with the attribute.
    pub fn span(&self) -> Span {
        self.literal.span()
    }

    /// From the number's first character to the token that follows the attribute.
    pub fn to_next(&self) -> u32 {
        (self.literal.to_string().len() + Self::END.len()) as u32
    }
}

impl Options {
    /// Parses what stands between the parentheses.
    ///
    /// # Errors
    ///
    /// An unknown or repeated option, or a value of the wrong form; the error lies on it.
    pub fn parse(tokens: TokenStream) -> Result<Self> {
        syn::parse2(tokens)
    }

    /// Takes every `#[hotpath]` out of `attrs` and joins what they say; `None` without one.
    ///
    /// # Errors
    ///
    /// As [`Options::parse`]. The attributes are gone in that case too.
    pub fn take(attrs: &mut Vec<Attribute>) -> Result<Option<Self>> {
        let mut joined: Option<Self> = None;
        let mut errors: Option<Error> = None;
        attrs.retain(|attribute| {
            if !is_hotpath(attribute) {
                return true;
            }
            match Self::of(attribute) {
                Ok(options) => joined = Some(joined.take().unwrap_or_default().refine(options)),
                Err(error) => match &mut errors {
                    Some(first) => first.combine(error),
                    None => errors = Some(error),
                },
            }
            false
        });
        errors.map_or(Ok(joined), Err)
    }

    /// Joins what every `#[hotpath]` of `attrs` says, leaving them in place.
    ///
    /// # Errors
    ///
    /// As [`Options::parse`].
    pub fn find(attrs: &[Attribute]) -> Result<Option<Self>> {
        Self::take(&mut attrs.iter().filter(|it| is_hotpath(it)).cloned().collect())
    }

    /// These options as the default for what stands inside, refined by `inner`.
    #[must_use]
    pub fn refine(self, inner: Self) -> Self {
        let mut allow = self.allow;
        allow.extend(
            inner.allow.into_iter().filter(|rule| !allow.contains(rule)).collect::<Vec<_>>(),
        );
        Self {
            skip: self.skip || inner.skip,
            name_span: inner.name_span.or(self.name_span),
            name: inner.name.or(self.name),
            sites: inner.sites.or(self.sites),
            allow,
            budget: self.budget.refine(&inner.budget),
            runtime: inner.runtime.or(self.runtime),
            column: inner.column.or(self.column),
        }
    }

    /// The options if they may stand on more than one function.
    ///
    /// # Errors
    ///
    /// `name` on an `impl` block or module would name every function alike.
    pub fn on_many(self) -> Result<Self> {
        match self.name_span {
            Some(span) => Err(Error::new(
                span,
                "`name` belongs on one function: put `#[hotpath(name = \"..\")]` on the function it is for",
            )),
            None => Ok(self),
        }
    }

    /// The options as they are written, for an attribute that is read again.
    pub fn to_tokens(&self) -> TokenStream {
        let mut tokens = TokenStream::new();
        if self.skip {
            return quote!(skip);
        }
        if let Some(name) = &self.name {
            tokens.extend(quote!(name = #name,));
        }
        match self.sites {
            Some(SiteSelection::Off) => tokens.extend(quote!(sites = off,)),
            Some(SiteSelection::Calls) => tokens.extend(quote!(sites = calls,)),
            Some(SiteSelection::All) => tokens.extend(quote!(sites = all,)),
            None => {}
        }
        let rules = self.allow.iter().filter_map(|rule| rule.parse::<TokenStream>().ok());
        if !self.allow.is_empty() {
            tokens.extend(quote!(allow(#(#rules),*),));
        }
        if !self.budget.is_empty() {
            tokens.extend(budget::to_tokens(&self.budget));
        }
        if let Some(runtime) = &self.runtime {
            tokens.extend(quote!(crate = #runtime,));
        }
        if let Some(Column { literal, .. }) = &self.column {
            tokens.extend(quote!(column = #literal,));
        }
        tokens
    }

    fn of(attribute: &Attribute) -> Result<Self> {
        match &attribute.meta {
            Meta::Path(_) => Ok(Self::default()),
            Meta::List(list) => Self::parse(list.tokens.clone()),
            Meta::NameValue(pair) => Err(Error::new_spanned(
                &pair.value,
                "options stand in parentheses: `#[hotpath(name = \"..\")]`",
            )),
        }
    }

    fn option(&mut self, key: &Ident, input: ParseStream<'_>) -> Result<()> {
        match key.to_string().as_str() {
            "skip" => {
                self.skip = true;
                Ok(())
            }
            "name" => self.set_name(key, input),
            "sites" => self.set_sites(key, input),
            "allow" => self.add_allowed(key, input),
            "budget" => {
                self.budget = budget::parse(key, input)?;
                Ok(())
            }
            "crate" => {
                equals(key, input, "crate = path::to::hotpath_runtime")?;
                let path = input.call(Path::parse_mod_style).map_err(|error| {
                    let message =
                        "`crate` takes a path, without quotes: `crate = path::to::hotpath_runtime`";
                    Error::new(error.span(), message)
                })?;
                self.runtime = Some(path);
                Ok(())
            }
            "column" => {
                equals(key, input, "column = 1")?;
                let literal: LitInt = input.parse()?;
                self.column = Some(Column { number: literal.base10_parse()?, literal });
                Ok(())
            }
            other => Err(Error::new(key.span(), unknown("option", other, NAMES))),
        }
    }

    fn set_name(&mut self, key: &Ident, input: ParseStream<'_>) -> Result<()> {
        equals(key, input, "name = \"..\"")?;
        let literal: LitStr = input
            .parse()
            .map_err(|error| Error::new(error.span(), "`name` takes a string: `name = \"..\"`"))?;
        let name = literal.value();
        if name.trim().is_empty() || name.chars().any(char::is_control) {
            return Err(Error::new(
                literal.span(),
                "`name` is what reports show: it can't be empty or hold control characters",
            ));
        }
        self.name = Some(name);
        self.name_span = Some(key.span());
        Ok(())
    }

    fn set_sites(&mut self, key: &Ident, input: ParseStream<'_>) -> Result<()> {
        equals(key, input, "sites = off")?;
        let value = input.call(Ident::parse_any).map_err(|error| {
            Error::new(
                error.span(),
                "`sites` takes one of three words: `sites = off`, `sites = calls` or `sites = all`",
            )
        })?;
        self.sites = Some(match value.to_string().as_str() {
            "off" => SiteSelection::Off,
            "calls" => SiteSelection::Calls,
            "all" => SiteSelection::All,
            other => {
                let message = unknown("value of `sites`", other, &["off", "calls", "all"]);
                return Err(Error::new(value.span(), message));
            }
        });
        Ok(())
    }

    fn add_allowed(&mut self, key: &Ident, input: ParseStream<'_>) -> Result<()> {
        const EXAMPLE: &str = "`allow` names the rules to silence: `allow(print-loop)`";
        if !input.peek(Paren) {
            return Err(Error::new(key.span(), EXAMPLE));
        }
        let content;
        let parentheses = syn::parenthesized!(content in input);
        if content.is_empty() {
            return Err(Error::new(parentheses.span.join(), EXAMPLE));
        }
        for rule in content.parse_terminated(rule, Token![,])? {
            if self.allow.contains(&rule) {
                continue;
            }
            self.allow.push(rule);
        }
        Ok(())
    }
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        let mut seen: Vec<Ident> = Vec::new();
        while !input.is_empty() {
            let key = input.call(Ident::parse_any)?;
            options.option(&key, input)?;
            if seen.contains(&key) {
                let message = format!("`{key}` is given twice: keep one of them");
                return Err(Error::new(key.span(), message));
            }
            seen.push(key);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        match seen.iter().find(|key| options.skip && *key != "skip") {
            Some(key) => Err(Error::new(
                key.span(),
                "`skip` leaves the item alone, so no other option can apply: remove one of the two",
            )),
            None => Ok(options),
        }
    }
}

/// Whether this is our attribute, by its last path segment.
pub fn is_hotpath(attribute: &Attribute) -> bool {
    attribute.path().segments.last().is_some_and(|segment| segment.ident == "hotpath")
}

fn equals(key: &Ident, input: ParseStream<'_>, example: &str) -> Result<()> {
    match input.parse::<Option<Token![=]>>()? {
        Some(_) => Ok(()),
        None => Err(Error::new(key.span(), format!("`{key}` takes a value: `{example}`"))),
    }
}

/// A rule id: words joined by `-`, keywords allowed (`print-loop`).
fn rule(input: ParseStream<'_>) -> Result<String> {
    let word = |input: ParseStream<'_>| {
        input.call(Ident::parse_any).map_err(|error| {
            let message = "a rule is named without quotes: `allow(print-loop, clone-in-loop)`";
            Error::new(error.span(), message)
        })
    };
    let mut id = word(input)?.to_string();
    while input.parse::<Option<Token![-]>>()?.is_some() {
        id.push('-');
        id.push_str(&word(input)?.to_string());
    }
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(id);
    }
    Err(Error::new(input.span(), format!("a comma parts rules: `allow({id}, ..)`")))
}

fn unknown(what: &str, given: &str, known: &[&str]) -> String {
    match nearest(given, known) {
        Some(near) => format!("unknown {what} `{given}`: did you mean `{near}`?"),
        None => format!("unknown {what} `{given}`: known are {}", list(known)),
    }
}

fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Options> {
        syn::parse_str(text)
    }

    fn error(text: &str) -> String {
        parse(text).err().expect("is refused").to_string()
    }

    #[test]
    fn reads_every_option() {
        let options =
            parse("name = \"load\", sites = off, allow(print-loop, clone), crate = ::facade::rt,")
                .unwrap();
        assert_eq!(options.name.as_deref(), Some("load"));
        assert_eq!(options.sites, Some(SiteSelection::Off));
        assert_eq!(options.allow, ["print-loop", "clone"]);
        assert_eq!(options.runtime.unwrap().segments.len(), 2);
        assert!(!options.skip);
        assert!(parse("skip").unwrap().skip);
        assert!(parse("").unwrap().name.is_none());
    }

    #[test]
    fn a_column_is_kept_with_its_place() {
        let options = parse("column = 12").unwrap();
        let again: Options = syn::parse2(options.to_tokens()).unwrap();
        for column in [options.column.unwrap(), again.column.unwrap()] {
            assert_eq!((column.number, column.to_next()), (12, 5));
            assert_eq!(column.span().start().column, 9);
        }
        assert!(parse("column = x").is_err());
        assert!(parse("column = -1").is_err());
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(error("site = off"), "unknown option `site`: did you mean `sites`?");
        assert!(error("quota(1)").starts_with("unknown option `quota`: known are `skip`"));
        assert_eq!(error("sites = call"), "unknown value of `sites` `call`: did you mean `calls`?");
        assert!(error("sites = off, sites = off").contains("given twice"));
        assert!(error("name = 3").contains("takes a string"));
        assert!(error("name = \"\"").contains("can't be empty"));
        for text in ["allow()", "allow", "allow = print-loop", "allow[print-loop]"] {
            assert!(error(text).contains("names the rules"), "{text}");
        }
        for text in ["allow(\"print-loop\")", "allow(print-)", "allow(*)", "allow(print-3)"] {
            assert!(error(text).contains("without quotes"), "{text}");
        }
        assert!(error("allow(print loop)").ends_with("`allow(print, ..)`"));
        assert!(error("skip, name = \"x\"").contains("leaves the item alone"));
        assert!(error("name \"x\"").contains("takes a value"));
        assert!(error("sites").contains("takes a value"));
    }

    #[test]
    fn inner_options_refine_outer_ones() {
        let outer = parse("sites = off, allow(a), crate = rt").unwrap();
        let inner = parse("sites = calls, allow(b, a), name = \"n\"").unwrap();
        let joined = outer.refine(inner);
        assert_eq!(joined.sites, Some(SiteSelection::Calls));
        assert_eq!(joined.allow, ["a", "b"]);
        assert!(joined.runtime.is_some());
        assert!(joined.on_many().is_err());
    }

    #[test]
    fn takes_attributes_by_their_last_segment() {
        let mut function: syn::ItemFn =
            syn::parse_str("#[inline] #[hotpath_runtime::hotpath(skip)] fn f() {}").unwrap();
        assert!(Options::find(&function.attrs).unwrap().unwrap().skip);
        assert!(Options::take(&mut function.attrs).unwrap().unwrap().skip);
        assert_eq!(function.attrs.len(), 1);
        assert!(Options::take(&mut function.attrs).unwrap().is_none());
    }
}
