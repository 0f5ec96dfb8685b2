//! Reading the names that `std::any::type_name` gives.

/// Types whose clone is a counter or a handle: no copy of data, and often meant.
const SHARED: &[&str] =
    &["Arc", "Rc", "Weak", "Bytes", "Sender", "SyncSender", "Receiver", "UnboundedSender", "Waker"];

/// Crates of the standard library.
const STD: &[&str] = &["std", "core", "alloc"];

/// Where the type's definition lives, from its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Home<'a> {
    /// The standard library, or a type of the language.
    Std,
    /// This crate.
    Crate(&'a str),
}

/// The crate that defines the outermost type of a name; references and `dyn` are looked through.
/// What begins with no path is the language's own.
pub fn crate_of(type_name: &str) -> Home<'_> {
    let head = head(type_name);
    let is_name = |text: &str| text.chars().all(|it| it.is_alphanumeric() || it == '_');
    match head.split_once("::") {
        Some((first, _)) if is_name(first) && !STD.contains(&first) => Home::Crate(first),
        _ => Home::Std,
    }
}

/// The name without module paths: `Vec<String>` of `alloc::vec::Vec<alloc::string::String>`.
pub fn short(type_name: &str) -> String {
    let mut text = String::with_capacity(type_name.len());
    let mut segment = 0;
    let mut colon = false;
    for character in type_name.chars() {
        if character == ':' && colon {
            // After `>` the path goes on: `<B as D>::E`.
            if text.ends_with('>') {
                text.push_str("::");
                segment = text.len();
            } else {
                text.truncate(segment);
            }
            colon = false;
            continue;
        }
        if colon {
            text.push(':');
        }
        colon = character == ':';
        if colon {
            continue;
        }
        text.push(character);
        if !(character.is_alphanumeric() || character == '_') {
            segment = text.len();
        }
    }
    text
}

/// Whether a clone of this type only counts a reference or copies a handle.
pub(super) fn is_shared(type_name: &str) -> bool {
    type_name.starts_with('&') || SHARED.contains(&last_segment(type_name))
}

/// Last segment of the outermost type's path, without its generic arguments.
pub(super) fn last_segment(type_name: &str) -> &str {
    let path = head(type_name).split('<').next().unwrap_or_default();
    path.rsplit("::").next().unwrap_or_default()
}

/// Pointers and guards of the standard library that a method call looks through.
const POINTERS: &[&str] = &[
    "Arc",
    "Box",
    "LazyLock",
    "MutexGuard",
    "Rc",
    "Ref",
    "RefMut",
    "RwLockReadGuard",
    "RwLockWriteGuard",
];

/// The type that a method call on a value of this type ends at: through references, `Box`, `Arc` and
/// guards of locks.
pub(super) fn pointee(type_name: &str) -> &str {
    let mut rest = type_name.trim();
    loop {
        if let Some(shorter) = rest.strip_prefix('&') {
            rest = shorter.strip_prefix("mut ").unwrap_or(shorter);
            continue;
        }
        let is_pointer = crate_of(rest) == Home::Std
            && POINTERS.contains(&last_segment(rest))
            && !rest.starts_with(['[', '(']);
        match arguments(rest).first() {
            Some(inner) if is_pointer => rest = inner,
            _ => return rest,
        }
    }
}

/// Generic arguments of the outermost type, lifetimes left out: `K` and `V` of `HashMap<K, V>`.
pub(super) fn arguments(type_name: &str) -> Vec<&str> {
    let inner = type_name.split_once('<').and_then(|(_, rest)| rest.strip_suffix('>'));
    let Some(inner) = inner else { return Vec::new() };
    let mut parts = Vec::new();
    let (mut depth, mut start, mut previous) = (0_i32, 0, ' ');
    for (at, character) in inner.char_indices() {
        match character {
            '<' | '(' | '[' => depth += 1,
            // Not that of `fn() -> T`.
            '>' if previous == '-' => {}
            '>' | ')' | ']' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&inner[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        previous = character;
    }
    parts.push(&inner[start..]);
    parts.into_iter().map(str::trim).filter(|part| !part.starts_with('\'')).collect()
}

/// Whether this is one of these types of the standard library.
pub(super) fn is_std(type_name: &str, names: &[&str]) -> bool {
    crate_of(type_name) == Home::Std
        && !type_name.starts_with(['[', '(', '&', '*'])
        && names.contains(&last_segment(type_name))
}

/// Whether a value of this type may borrow from another one, going by a name in which lifetimes are elided.
pub(super) fn borrows(type_name: &str) -> bool {
    type_name.contains(['&', '\''])
}

/// Maps and sets whose lookups take any borrowed form of the key.
pub(super) fn is_keyed(type_name: &str) -> bool {
    match crate_of(type_name) {
        Home::Std => is_std(type_name, &["HashMap", "HashSet", "BTreeMap", "BTreeSet"]),
        Home::Crate("hashbrown") => matches!(last_segment(type_name), "HashMap" | "HashSet"),
        Home::Crate("indexmap") => matches!(last_segment(type_name), "IndexMap" | "IndexSet"),
        Home::Crate(_) => false,
    }
}

/// Element type of a list that is searched from one end to the other: of a Vec, slice or array.
pub(super) fn element(type_name: &str) -> Option<&str> {
    if is_std(type_name, &["Vec", "VecDeque", "LinkedList"]) {
        return arguments(type_name).first().copied();
    }
    let inner = type_name.strip_prefix('[')?.strip_suffix(']')?;
    Some(inner.rsplit_once("; ").map_or(inner, |(element, _)| element))
}

/// Whether a map or set hashes with the standard library's default, `SipHash`: a type's defaults are not
/// in its name.
pub(super) fn hashes_by_default(type_name: &str) -> bool {
    let named = match (crate_of(type_name), last_segment(type_name)) {
        (Home::Std, "HashMap") | (Home::Crate("indexmap"), "IndexMap") => 2,
        (Home::Std, "HashSet") | (Home::Crate("indexmap"), "IndexSet") => 1,
        _ => return false,
    };
    let arguments = arguments(type_name);
    match arguments.get(named) {
        Some(hasher) => last_segment(hasher) == "RandomState" && crate_of(hasher) == Home::Std,
        None => arguments.len() == named,
    }
}

fn head(type_name: &str) -> &str {
    let mut rest = type_name.trim_start();
    loop {
        let shorter = ["&", "mut ", "dyn ", "*const ", "*mut ", "[", "("]
            .iter()
            .find_map(|prefix| rest.strip_prefix(prefix));
        match shorter {
            Some(shorter) => rest = shorter,
            None => return rest.split('<').next().unwrap_or(rest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_paths() {
        assert_eq!(short("alloc::vec::Vec<alloc::string::String>"), "Vec<String>");
        assert_eq!(short("&mut std::fs::File"), "&mut File");
        assert_eq!(short("(u8, a::b::C)"), "(u8, C)");
        assert_eq!(short("[core::option::Option<a::B>; 4]"), "[Option<B>; 4]");
        assert_eq!(short("<a::B as c::D>::E"), "<B as D>::E");
        assert_eq!(short(""), "");
    }

    #[test]
    fn the_home_is_that_of_the_outermost_type() {
        assert_eq!(crate_of("alloc::vec::Vec<app::Row>"), Home::Std);
        assert_eq!(crate_of("&mut dyn app::Sink"), Home::Crate("app"));
        assert_eq!(crate_of("u8"), Home::Std);
        assert_eq!(crate_of("(u8, app::Row)"), Home::Std);
        assert_eq!(crate_of("regex::regex::string::Regex"), Home::Crate("regex"));
    }

    #[test]
    fn calls_look_through_pointers_and_guards() {
        let map = "std::collections::hash::map::HashMap<u8, u8>";
        for name in [
            map.to_owned(),
            format!("&mut {map}"),
            format!("&&{map}"),
            format!("std::sync::poison::mutex::MutexGuard<'_, {map}>"),
            format!("&core::cell::RefMut<{map}>"),
            format!("alloc::sync::Arc<alloc::boxed::Box<{map}>>"),
        ] {
            assert_eq!(pointee(&name), map, "{name}");
        }
        assert_eq!(pointee("app::Arc<u8>"), "app::Arc<u8>");
        assert_eq!(pointee("&[alloc::boxed::Box<u8>]"), "[alloc::boxed::Box<u8>]");
        assert_eq!(pointee(""), "");
    }

    #[test]
    fn generic_arguments_are_split_at_the_top() {
        assert_eq!(
            arguments("M<(u8, u8), V<a, b>, fn(u8) -> V<c>>"),
            ["(u8, u8)", "V<a, b>", "fn(u8) -> V<c>"]
        );
        assert_eq!(arguments("std::slice::Iter<'_, u8>"), ["u8"]);
        assert!(arguments("u8").is_empty());
    }

    #[test]
    fn types_that_borrow_are_told_by_references_and_lifetimes() {
        for name in ["alloc::vec::Vec<&str>", "alloc::vec::Vec<app::Token<'_>>"] {
            assert!(borrows(name), "{name}");
        }
        assert!(!borrows("alloc::vec::Vec<alloc::string::String>"));
    }

    #[test]
    fn lists_are_told_by_their_elements() {
        assert_eq!(element("alloc::vec::Vec<app::Row>"), Some("app::Row"));
        assert_eq!(element("[u8]"), Some("u8"));
        assert_eq!(element("[[u8; 2]; 4]"), Some("[u8; 2]"));
        for name in
            ["app::Vec<u8>", "alloc::string::String", "std::collections::hash::set::HashSet<u8>"]
        {
            assert_eq!(element(name), None, "{name}");
        }
        assert!(is_keyed("alloc::collections::btree::map::BTreeMap<u8, u8>"));
        assert!(
            !is_keyed("app::HashMap<u8, u8>")
                && !is_keyed("[std::collections::hash::map::HashMap<u8, u8>]")
        );
    }

    #[test]
    fn the_default_hasher_is_told_by_its_absence() {
        let map = "std::collections::hash::map::HashMap";
        assert!(hashes_by_default(&format!("{map}<u8, alloc::vec::Vec<u8>>")));
        assert!(hashes_by_default(&format!("{map}<u8, u8, std::hash::random::RandomState>")));
        assert!(hashes_by_default("std::collections::hash::set::HashSet<(u8, u8)>"));
        assert!(hashes_by_default("indexmap::map::IndexMap<u8, u8>"));
        for name in [
            "std::collections::hash::map::HashMap<u8, u8, core::hash::BuildHasherDefault<fx::Hasher>>",
            "std::collections::hash::set::HashSet<u8, app::RandomState>",
            "hashbrown::map::HashMap<u8, u8>",
            "alloc::collections::btree::map::BTreeMap<u8, u8>",
            "app::HashMap<u8, u8>",
        ] {
            assert!(!hashes_by_default(name), "{name}");
        }
    }

    #[test]
    fn counted_references_are_no_copies() {
        assert!(is_shared("alloc::sync::Arc<alloc::string::String>"));
        assert!(is_shared("std::sync::mpsc::Sender<u8>"));
        assert!(is_shared("&str"));
        assert!(!is_shared("alloc::vec::Vec<alloc::sync::Arc<u8>>"));
        assert!(!is_shared("app::Architecture"));
    }
}
