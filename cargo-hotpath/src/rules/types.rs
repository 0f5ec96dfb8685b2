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
    fn counted_references_are_no_copies() {
        assert!(is_shared("alloc::sync::Arc<alloc::string::String>"));
        assert!(is_shared("std::sync::mpsc::Sender<u8>"));
        assert!(is_shared("&str"));
        assert!(!is_shared("alloc::vec::Vec<alloc::sync::Arc<u8>>"));
        assert!(!is_shared("app::Architecture"));
    }
}
