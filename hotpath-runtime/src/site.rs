//! The static tables that the expansion puts into each measured function.

use core::sync::atomic::AtomicU32;

/// No table is this long, so that a lookup misses.
const UNREGISTERED: u32 = u32::MAX;

/// A measured function: where it is, and its sites.
#[derive(Debug)]
#[cfg_attr(
    not(all(unix, target_pointer_width = "64")),
    allow(dead_code, reason = "nobody registers it where nothing is measured")
)]
pub struct Function {
    pub(crate) package: Option<&'static str>,
    pub(crate) target: Option<&'static str>,
    pub(crate) module: &'static str,
    pub(crate) name: &'static str,
    pub(crate) file: &'static str,
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) is_async: bool,
    pub(crate) sites: Sites,
    /// Line and column of the macro call that it comes from; 0 where it stands in the source.
    pub(crate) origin: [u32; 2],
    pub(crate) id: AtomicU32,
    pub(crate) first_site: AtomicU32,
}

/// An expression or await site of a function.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    not(all(unix, target_pointer_width = "64")),
    allow(dead_code, reason = "nobody registers it where nothing is measured")
)]
pub struct Site {
    pub(crate) kind: &'static str,
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) label: &'static str,
}

impl Function {
    /// A table that has not registered yet.
    #[expect(clippy::too_many_arguments, reason = "written by the expansion only")]
    pub const fn new(
        package: Option<&'static str>,
        target: Option<&'static str>,
        module: &'static str,
        name: &'static str,
        file: &'static str,
        line: u32,
        column: u32,
        is_async: bool,
        sites: &'static [Site],
    ) -> Self {
        Self {
            package,
            target,
            module,
            name,
            file,
            line,
            column,
            is_async,
            sites: Sites::List(sites),
            origin: [0; 2],
            id: AtomicU32::new(0),
            first_site: AtomicU32::new(UNREGISTERED),
        }
    }

    /// A table as an expansion writes it: everything in few constants, which is what a compiler takes
    /// the least time for. `sites` is the [text](Sites::Text) of its sites.
    ///
    /// `places` are, as line and column: the function's name; the outermost macro call it comes
    /// from; the attribute. The last two differ for what a macro makes, which its place alone
    /// doesn't tell apart.
    pub const fn expanded(
        names: [Option<&'static str>; 2],
        module: &'static str,
        name: &'static str,
        file: &'static str,
        places: [u32; 6],
        is_async: bool,
        sites: &'static str,
    ) -> Self {
        let [package, target] = names;
        let [line, column, call_line, call_column, attribute_line, attribute_column] = places;
        let is_made = call_line != attribute_line || call_column != attribute_column;
        Self {
            package,
            target,
            module,
            name,
            file,
            line,
            column,
            is_async,
            sites: Sites::Text(sites),
            origin: if is_made { [call_line, call_column] } else { [0; 2] },
            id: AtomicU32::new(0),
            first_site: AtomicU32::new(UNREGISTERED),
        }
    }
}

/// The sites of a function, in their order.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    not(all(unix, target_pointer_width = "64")),
    allow(dead_code, reason = "nobody registers it where nothing is measured")
)]
pub(crate) enum Sites {
    List(&'static [Site]),
    /// For each `KIND LINE COLUMN BYTES LABEL`, where the label has so many bytes and the next
    /// kind follows it at once.
    Text(&'static str),
}

#[cfg(all(unix, target_pointer_width = "64"))]
impl Iterator for Sites {
    type Item = Site;

    fn next(&mut self) -> Option<Site> {
        match self {
            Self::List(list) => {
                let (first, rest) = list.split_first()?;
                *list = rest;
                Some(*first)
            }
            Self::Text(text) => {
                let (site, rest) = first_of(text)?;
                *text = rest;
                Some(site)
            }
        }
    }
}

/// The first site of a text, and the text of the others.
#[cfg(all(unix, target_pointer_width = "64"))]
fn first_of(text: &'static str) -> Option<(Site, &'static str)> {
    let mut words = text.splitn(5, ' ');
    let kind = words.next()?;
    let mut number = || words.next()?.parse::<u32>().ok();
    let (line, column, bytes) = (number()?, number()?, number()?);
    let (label, rest) = words.next()?.split_at_checked(bytes as usize)?;
    Some((Site::new(kind, line, column, label), rest))
}

impl Site {
    /// An entry of a function's table; the position is 1-based, in characters.
    pub const fn new(kind: &'static str, line: u32, column: u32, label: &'static str) -> Self {
        Self { kind, line, column, label }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &'static str) -> Vec<(&'static str, u32, u32, &'static str)> {
        Sites::Text(text).map(|site| (site.kind, site.line, site.column, site.label)).collect()
    }

    #[test]
    fn a_text_holds_whatever_labels_say() {
        let text =
            "clone 1 22 9 a.clone()grow 3 4 0 format 5 6 14 format!(\"\n 1\")await 7 8 3 \u{e9}.";
        let expected = [
            ("clone", 1, 22, "a.clone()"),
            ("grow", 3, 4, ""),
            ("format", 5, 6, "format!(\"\n 1\")"),
            ("await", 7, 8, "\u{e9}."),
        ];
        assert_eq!(told(text), expected);
        assert_eq!(told(""), []);
    }

    #[test]
    fn what_is_no_text_of_sites_has_none() {
        for text in
            ["clone", "clone 1 2", "clone 1 x 3 abc", "clone 1 2 9 abc", "clone 1 2 1 \u{e9}"]
        {
            assert_eq!(told(text), [], "{text}");
        }
    }

    #[test]
    fn what_a_macro_made_knows_its_origin() {
        let function = |places| Function::expanded([None; 2], "", "", "", places, false, "").origin;
        assert_eq!(function([5, 6, 1, 2, 1, 2]), [0; 2]);
        assert_eq!(function([5, 6, 3, 2, 1, 2]), [3, 2]);
    }
}
