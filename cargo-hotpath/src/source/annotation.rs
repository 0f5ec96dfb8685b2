//! Attributes that decide what is scanned: ours, `cfg_attr`, `cfg(test)`, `path`.

use hotpath_runtime_syntax::{Options, is_hotpath};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, Lit, Meta, Token};

/// What `#[hotpath]` says on an item, also through `cfg_attr`; `None` without one, or with one
/// that doesn't compile.
pub(super) fn options(attrs: &[Attribute]) -> Option<Options> {
    Options::find(&unfolded(attrs)).ok().flatten()
}

/// The first line on which it stands.
pub(super) fn line(attrs: &[Attribute]) -> Option<u32> {
    let ours = unfolded(attrs).into_iter().find(is_hotpath)?;
    Some(ours.path().span().start().line as u32)
}

/// The attributes with those inside `cfg_attr`, as if every condition held.
fn unfolded(attrs: &[Attribute]) -> Vec<Attribute> {
    let mut all = Vec::with_capacity(attrs.len());
    for attribute in attrs {
        if attribute.path().is_ident("cfg_attr") {
            for meta in list(attribute).into_iter().skip(1) {
                let inner = Attribute { meta, ..attribute.clone() };
                all.extend(unfolded(&[inner]));
            }
        } else {
            all.push(attribute.clone());
        }
    }
    all
}

/// Whether the item exists in test builds only, or is a test.
pub(super) fn is_test(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attribute| {
        let path = attribute.path();
        if path.is_ident("cfg") {
            return list(attribute).iter().any(requires_test);
        }
        // `#[test]`, `#[tokio::test]`
        path.segments.last().is_some_and(|segment| segment.ident == "test")
    })
}

fn requires_test(condition: &Meta) -> bool {
    match condition {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(all) if all.path.is_ident("all") => all
            .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
            .is_ok_and(|conditions| conditions.iter().any(requires_test)),
        _ => false,
    }
}

/// Whether a `cfg` may leave the item out.
pub(super) fn is_conditional(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attribute| attribute.path().is_ident("cfg"))
}

/// Files that `#[path = ".."]` names.
pub(super) struct Paths {
    /// The one that always holds.
    pub(super) plain: Option<String>,
    /// Those inside `cfg_attr`.
    pub(super) conditional: Vec<String>,
}

/// The `path` attributes of a module.
pub(super) fn paths(attrs: &[Attribute]) -> Paths {
    let plain = attrs.iter().find_map(|attribute| path(&attribute.meta));
    let conditional = attrs.iter().filter(|attribute| attribute.path().is_ident("cfg_attr"));
    let conditional = conditional
        .flat_map(|attribute| unfolded(std::slice::from_ref(attribute)))
        .filter_map(|attribute| path(&attribute.meta))
        .collect();
    Paths { plain, conditional }
}

fn path(meta: &Meta) -> Option<String> {
    let Meta::NameValue(pair) = meta else { return None };
    let Expr::Lit(value) = &pair.value else { return None };
    match &value.lit {
        Lit::Str(text) if pair.path.is_ident("path") => Some(text.value()),
        _ => None,
    }
}

fn list(attribute: &Attribute) -> Vec<Meta> {
    let parsed = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    parsed.map(|metas| metas.into_iter().collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attrs(text: &str) -> Vec<Attribute> {
        syn::parse_str::<syn::ItemMod>(&format!("{text} mod m;")).unwrap().attrs
    }

    #[test]
    fn our_attribute_is_found_in_every_shape() {
        for text in [
            "#[hotpath]",
            "#[hotpath()]",
            "#[hotpath_runtime::hotpath]",
            "#[::facade::rt::hotpath(sites = off)]",
            "#[cfg_attr(feature = \"profile\", hotpath)]",
            "#[cfg_attr(a, inline, cfg_attr(b, rt::hotpath(allow(x))))]",
        ] {
            assert!(options(&attrs(text)).is_some(), "{text}");
        }
        for text in ["#[hot]", "#[inline]", "#[cfg(hotpath)]", "#[cfg_attr(hotpath, inline)]"] {
            assert!(options(&attrs(text)).is_none(), "{text}");
        }
    }

    #[test]
    fn tests_are_known_by_attribute() {
        for text in ["#[test]", "#[tokio::test]", "#[cfg(test)]", "#[cfg(all(unix, test))]"] {
            assert!(is_test(&attrs(text)), "{text}");
        }
        for text in ["#[cfg(not(test))]", "#[cfg(any(test, unix))]", "#[testing]"] {
            assert!(!is_test(&attrs(text)), "{text}");
        }
    }

    #[test]
    fn paths_are_plain_or_conditional() {
        let both = paths(&attrs("#[path = \"a.rs\"] #[cfg_attr(unix, path = \"b.rs\")]"));
        assert_eq!(both.plain.as_deref(), Some("a.rs"));
        assert_eq!(both.conditional, ["b.rs"]);
    }
}
