//! What it saves not to make a copy at all.

use hotpath_runtime_syntax::Kind;

use crate::facts::SiteSource;
use crate::impact::Saved;
use crate::rules::Gain;
use crate::rules::site::Site;
use crate::units::time;

/// The whole of a copying site that took `ns`, and the frees of its blocks.
pub(super) fn spared(site: &Site<'_>, ns: f64) -> Gain {
    let (allocs, alloc_bytes) = site.gone_allocs();
    let frees = site.frees_ns();
    let most = site.most_ns() + site.most_frees_ns();
    Gain {
        claims: vec![site.claim(Saved::new(site.sure_ns(), ns + frees, most))],
        allocs,
        alloc_bytes,
        basis: format!(
            "copies {} + frees {} ({}); low what is sure of the copies alone, high with frees \
             at twice that and all that may have hidden behind the clock",
            time(ns),
            time(frees),
            site.allocator().basis()
        ),
    }
}

/// What a copy was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Original {
    /// The borrowed form of what it is: that will do in its place.
    Borrowed,
    /// Something else, which `to_string` converts.
    Converted,
    /// `to_string` was called on what the source doesn't tell.
    Unknown,
}

/// Types whose `to_string` formats them.
const NUMBERS: &[&str] = &[
    "bool", "char", "f32", "f64", "i128", "i16", "i32", "i64", "i8", "isize", "u128", "u16", "u32",
    "u64", "u8", "usize",
];

/// What a copying site's `to_string` was called on, as far as the source tells: a literal, or a variable
/// by its declared type. All others copy what they are.
pub(super) fn original(site: &Site<'_>) -> Original {
    match site.source() {
        Some(source) if site.kind() == Kind::ToString => stringified(source),
        _ => Original::Borrowed,
    }
}

fn stringified(source: &SiteSource) -> Original {
    // `String::from` takes text.
    let Some(receiver) = source.receiver.as_deref().filter(|_| source.method.is_some()) else {
        return Original::Borrowed;
    };
    if receiver.starts_with(['"', 'r']) && receiver.ends_with('"') {
        return Original::Borrowed;
    }
    let declared = source.declared_type.as_deref().unwrap_or_default().trim_start_matches('&');
    match declared.rsplit([' ', ':']).next().unwrap_or_default() {
        "str" | "String" => Original::Borrowed,
        name if NUMBERS.contains(&name) => Original::Converted,
        _ => Original::Unknown,
    }
}

/// Whether each execution of a site allocates at least a block.
pub(super) fn allocates(site: &Site<'_>) -> bool {
    site.allocs().count >= site.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_string_is_called_on_is_told_by_literals_and_declared_types() {
        let of = |receiver: &str, declared: Option<&str>| {
            stringified(&SiteSource {
                method: Some("to_string".to_owned()),
                receiver: Some(receiver.to_owned()),
                declared_type: declared.map(str::to_owned),
                ..SiteSource::default()
            })
        };
        for declared in ["&'a str", "&String", "std::string::String"] {
            assert_eq!(of("x", Some(declared)), Original::Borrowed, "{declared}");
        }
        assert_eq!(of("\"x\"", None), Original::Borrowed);
        assert_eq!(of("x", Some("&u32")), Original::Converted);
        assert_eq!(of("x", Some("Id")), Original::Unknown);
        assert_eq!(of("x.y", None), Original::Unknown);
        assert_eq!(stringified(&SiteSource::default()), Original::Borrowed, "String::from");
    }
}
