//! Whether code may hold a site, from its text alone: what doesn't needs no syntax tree.
//!
//! Asked of the tokens as they are written out. It may say yes where there is none (a word in a
//! string), never no where there is one.

use crate::SiteSelection;
use crate::classify::STD_MODULES;

/// Whether a text may hold a site that `selection` asks for, an async block, or something that
/// decides on the sites behind it.
pub fn may_hold_sites(text: &str, selection: SiteSelection) -> bool {
    match selection {
        SiteSelection::All => true,
        SiteSelection::Calls => holds(text, |word, rest| {
            is_telling(word)
                || is_lookup(word, rest)
                || is_foreign(word, rest)
                || is_costly(word, rest)
                || word == "lines" && after(rest, &["(", ")"]).is_some()
        }),
        SiteSelection::Off => mentions_word(text, "async"),
    }
}

/// Whether a text may hold a call that can make a collection grow: a site behind a `let` that makes
/// one without room, which is text that may hold sites.
pub fn may_grow(text: &str) -> bool {
    holds(text, |word, _| match word.len() {
        4 => word == "push",
        6 => matches!(word, "extend" | "append" | "insert"),
        8 => word == "push_str",
        9 => word == "push_back",
        10 => word == "push_front",
        17 => word == "extend_from_slice",
        _ => false,
    })
}

/// Whether a text may make an empty collection.
pub fn may_make_empty(text: &str) -> bool {
    holds(text, |word, _| match word.len() {
        3 => matches!(word, "new" | "vec"),
        7 => word == "default",
        _ => false,
    })
}

/// Whether a word occurs, in code or in a string.
pub fn mentions_word(text: &str, wanted: &str) -> bool {
    holds(text, |word, _| word == wanted)
}

/// Whether one of the words will do, with what follows it.
fn holds(text: &str, will_do: impl Fn(&str, &str) -> bool) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        while at < bytes.len() && is_word(bytes[at]) {
            at += 1;
        }
        if start == at {
            at += 1;
        } else if will_do(&text[start..at], &text[at..]) {
            return true;
        }
    }
    false
}

/// Bytes of other characters belong to words, so that a word never ends within one.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Names that make an expression a site, and those that bind a variable to an empty collection.
/// By length: a macro without optimisation compares each.
fn is_telling(word: &str) -> bool {
    match word.len() {
        3 => matches!(word, "new" | "vec" | "pin"),
        4 => matches!(word, "lock" | "read" | "from" | "join" | "send"),
        5 => matches!(word, "clone" | "write" | "flush" | "await" | "async" | "print"),
        6 => matches!(word, "format" | "to_vec" | "eprint" | "select"),
        7 => matches!(word, "collect" | "println" | "writeln" | "default"),
        8 => matches!(
            word,
            "to_owned" | "eprintln" | "is_match" | "captures" | "try_join" | "block_on"
        ),
        9 => matches!(word, "to_string" | "write_all" | "find_iter"),
        10 => word == "into_owned",
        11 => word == "replace_all",
        13 => matches!(word, "with_capacity" | "captures_iter"),
        14 => word == "unbounded_send",
        24 => word == "with_capacity_and_hasher",
        _ => false,
    }
}

/// Whether this may look something up in a map or list, with these tokens behind it.
fn is_lookup(word: &str, rest: &str) -> bool {
    let argument =
        |may_be: fn(char) -> bool| after(rest, &["("]).is_some_and(|rest| rest.starts_with(may_be));
    match word.len() {
        3 => word == "get" && argument(|first| !is_index(first)),
        4 => {
            word == "iter"
                && after(rest, &["(", ")", "."]).is_some_and(|rest| {
                    ["any", "find", "position"].iter().any(|name| rest.starts_with(name))
                })
        }
        5 => word == "entry" && argument(|first| first != ')'),
        6 => matches!(word, "insert" | "remove") && argument(|first| first != ')'),
        7 => word == "get_mut" && argument(|first| !is_index(first)),
        8 => word == "contains" && argument(|first| !matches!(first, '"' | '\'' | '|' | ')')),
        12 => word == "contains_key",
        _ => false,
    }
}

/// Whether this may be the module or type of a call that blocks, or makes a connection.
fn is_costly(word: &str, rest: &str) -> bool {
    let is_owner = match word.len() {
        2 => word == "fs",
        4 => matches!(word, "File" | "Pool"),
        6 => matches!(word, "thread" | "Client" | "PgPool"),
        7 => word == "Runtime",
        8 => word == "executor",
        9 => matches!(word, "TcpStream" | "MySqlPool"),
        10 => matches!(word, "UnixStream" | "Connection" | "SqlitePool"),
        12 => word == "PgConnection",
        15 => word == "MySqlConnection",
        16 => word == "SqliteConnection",
        _ => false,
    };
    is_owner && rest.trim_start().starts_with("::")
}

/// Whether an argument that starts so can be no key.
fn is_index(first: char) -> bool {
    matches!(first, ')' | '.') || first.is_ascii_digit()
}

/// What follows these tokens, if they come next.
fn after<'t>(text: &'t str, tokens: &[&str]) -> Option<&'t str> {
    tokens
        .iter()
        .try_fold(text.trim_start(), |rest, token| rest.strip_prefix(token).map(str::trim_start))
}

/// Whether this may be the first word of a path to a function of another crate.
fn is_foreign(word: &str, rest: &str) -> bool {
    rest.trim_start().starts_with("::")
        && !word.starts_with(char::is_uppercase)
        && !STD_MODULES.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(text: &str) -> bool {
        may_hold_sites(text, SiteSelection::Calls)
    }

    #[test]
    fn words_and_paths_tell() {
        for text in [
            "a.clone()",
            "a . to_vec ()",
            "let a = Vec::default();",
            "vec![]",
            "serde_json::from_str(a)",
            "serde_json :: parse :: < A > (a)",
            "a::<B>::c()",
            "async { 1 }",
            "\u{e4}\u{e4}::f()",
            "m . get (& k)",
            "m.get(k.as_str())",
            "m.get_mut(\"k\")",
            "m.contains_key(k)",
            "m.entry(k)",
            "v.contains(&k)",
            "v.contains(k)",
            "v.remove(0)",
            "m.insert(k, v)",
            "v . iter () . position (| x | x == y)",
            "s.send(a)",
            "thread::sleep(a)",
            "std :: fs :: read (a)",
            "File::open(a)",
            "SqlitePool::connect(a)",
            "for l in r . lines () {",
        ] {
            assert!(calls(text), "{text}");
        }
        for text in [
            "a.cloned().len()",
            "a.push(1)",
            "c.get()",
            "v.get(1)",
            "v.get(..2)",
            "s.contains(\"x\")",
            "v.iter().map(f)",
            "d.entry()",
            "r.lines(1)",
            "std::mem::take(a)",
            "Self::with(a)",
            "self.new_one()",
            "\u{e9}clone",
            "",
        ] {
            assert!(!calls(text), "{text}");
        }
        assert!(
            may_grow("a.push(1)") && may_grow("a.extend_from_slice(b)") && !may_grow("a.pop()")
        );
        assert!(may_make_empty("let a: B = B::new();") && may_make_empty("vec![]"));
        assert!(!may_make_empty("a.renew()"));
        assert!(may_hold_sites("f()", SiteSelection::All));
        assert!(may_hold_sites("async { 1 }", SiteSelection::Off));
        assert!(!may_hold_sites("a.clone()", SiteSelection::Off));
        assert!(mentions_word("{self}", "self") && !mentions_word("selfish", "self"));
    }
}
