//! `budget(metric = limit, ..)` among the options.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::token::Paren;
use syn::{Error, Ident, Lit, Result, Token};

use crate::budget::{Budget, BudgetError, Limit, Metric};

const EXAMPLE: &str =
    "`budget` says what a call may cost: `budget(allocs_per_call = 3, p99 = \"50 us\")`";

/// Reads what follows the option's name.
pub(super) fn parse(key: &Ident, input: ParseStream<'_>) -> Result<Budget> {
    if !input.peek(Paren) {
        return Err(Error::new(key.span(), EXAMPLE));
    }
    let content;
    let parentheses = syn::parenthesized!(content in input);
    if content.is_empty() {
        return Err(Error::new(parentheses.span.join(), EXAMPLE));
    }
    let mut budget = Budget::default();
    while !content.is_empty() {
        entry(&mut budget, &content)?;
        if !content.is_empty() {
            content.parse::<Token![,]>()?;
        }
    }
    Ok(budget)
}

fn entry(budget: &mut Budget, input: ParseStream<'_>) -> Result<()> {
    let key = input.call(Ident::parse_any)?;
    let at_key = |error: &BudgetError| Error::new(key.span(), message(error));
    let metric: Metric = key.to_string().parse().map_err(|error| at_key(&error))?;
    if !metric.is_for_attribute() {
        let message = format!(
            "`{metric}` is no metric of a call: limit it in the configuration, under `[budget]`"
        );
        return Err(Error::new(key.span(), message));
    }
    let form = || format!("`{metric}` takes a limit: `{metric} = {}`", metric.unit().example());
    if input.parse::<Option<Token![=]>>()?.is_none() {
        return Err(Error::new(key.span(), form()));
    }
    let value: Lit = input.parse().map_err(|error| Error::new(error.span(), form()))?;
    let limit = match &value {
        Lit::Str(text) => Limit::from_text(metric, &text.value()),
        Lit::Int(number) if number.suffix().is_empty() => {
            Limit::from_number(metric, number.base10_parse()?)
        }
        Lit::Float(number) if number.suffix().is_empty() => {
            Limit::from_number(metric, number.base10_parse()?)
        }
        _ => return Err(Error::new(value.span(), form())),
    };
    let limit = limit.map_err(|error| Error::new(value.span(), message(&error)))?;
    if let Limit::OverBaseline { .. } = limit {
        let message = "a percentage is against a baseline, which an attribute has none of: write it in the \
                       configuration, under `[budget]`";
        return Err(Error::new(value.span(), message));
    }
    budget.add(metric, limit).map_err(|error| at_key(&error))
}

fn message(error: &BudgetError) -> String {
    let metrics = Metric::ALL.iter().copied().filter(|metric| metric.is_for_attribute());
    format!("{error}: {}", error.hint_among(metrics))
}

/// The option as it is written.
pub(super) fn to_tokens(budget: &Budget) -> TokenStream {
    let entries = budget.limits().map(|(metric, limit)| {
        let (key, value) = (format_ident!("{}", metric.name()), limit.written(metric.unit()));
        quote!(#key = #value)
    });
    quote!(budget(#(#entries),*),)
}

#[cfg(test)]
mod tests {
    use crate::options::Options;

    fn parse(text: &str) -> Result<Options, String> {
        syn::parse_str(text).map_err(|error| error.to_string())
    }

    fn error(text: &str) -> String {
        parse(text).err().unwrap_or_else(|| panic!("`{text}` is refused"))
    }

    #[test]
    fn reads_every_form_of_a_limit() {
        let options = parse(
            "sites = off, budget(allocs_per_call = 2.5, alloc_bytes_per_call = \"1 KiB\", p99 = \"50 us\", \
             polls_per_call = 10, future_bytes = 1_024,)",
        );
        let options = options.unwrap();
        let written = "allocs_per_call = 2.5, alloc_bytes_per_call = 1 KiB, polls_per_call = 10, \
                       future_bytes = 1 KiB, p99 = 50 us";
        assert_eq!(options.budget.to_string(), written);
        let again: Options = syn::parse2(options.to_tokens()).unwrap();
        assert_eq!(again.budget, options.budget);
        assert!(parse("").unwrap().budget.is_empty());
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(
            error("budget(alloc_per_call = 3)"),
            "unknown metric `alloc_per_call` in a budget: did you mean `allocs_per_call`?"
        );
        assert!(error("budget(speed = 3)").contains("known are `allocs_per_call`, "));
        assert!(!error("budget(speed = 3)").contains("wall"), "{}", error("budget(speed = 3)"));
        assert!(error("budget(wall = \"1 s\")").contains("under `[budget]`"));
        assert!(error("budget(allocs_per_call = \"+0 %\")").contains("against a baseline"));
        assert!(error("budget(p99 = 50)").contains("has no unit"));
        assert!(error("budget(p99 = 1 ms)").contains("no unit"));
        assert!(error("budget(p99 = 1ms)").contains("`p99 = \"50 us\"`"));
        assert!(error("budget(p99)").contains("takes a limit"));
        assert!(error("budget(p99 = fast)").contains("takes a limit"));
        assert!(error("budget(allocs_per_call = -1)").contains("out of range"));
        assert!(error("budget(p99 = \"1 ms\", p99 = \"2 ms\")").contains("limited twice"));
        assert!(error("budget(p99 = \"1 ms\"), budget(p50 = \"1 ms\")").contains("given twice"));
        assert!(error("skip, budget(p99 = \"1 ms\")").contains("leaves the item alone"));
        for text in ["budget", "budget()", "budget = 3", "budget[p99 = 1]"] {
            assert!(error(text).contains("says what a call may cost"), "{text}");
        }
    }

    #[test]
    fn of_a_block_and_a_function_the_function_goes_first() {
        let outer = parse("budget(allocs_per_call = 1, p50 = \"1 us\")").unwrap();
        let inner = parse("budget(allocs_per_call = 0)").unwrap();
        assert_eq!(outer.refine(inner).budget.to_string(), "allocs_per_call = 0, p50 = 1 us");
    }
}
